# freehold_test(NAME SOURCES ... [LINKS ...] [LABELS ...] [PROPERTIES ...]): a
# Catch2 binary whose cases CTest knows one by one, with more properties of
# theirs. `main` and Catch2 itself are compiled once.
function(freehold_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;LABELS;PROPERTIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  freehold_test_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  catch_discover_tests(${name} TEST_PREFIX "${name}: "
    PROPERTIES LABELS "${ARG_LABELS}" ${ARG_PROPERTIES})
endfunction()

# Test cases that several binaries link: compiled once.
function(freehold_test_cases name)
  add_library(${name} OBJECT ${ARGN})
  freehold_test_options(${name})
endfunction()

# What all that has test cases is compiled with.
function(freehold_test_options name)
  target_link_libraries(${name} PRIVATE freehold_test_main)
  # False positives of g++ 12 inside std::string at -O3 (GCC bugs 105329,
  # 105651): they come and go with inlining and say nothing about a test.
  target_compile_options(${name} PRIVATE
    -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
    -Wno-maybe-uninitialized)
  target_precompile_headers(${name} REUSE_FROM freehold_test_main)
endfunction()
