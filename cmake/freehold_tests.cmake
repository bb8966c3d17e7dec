# freehold_test(NAME SOURCES ... [LINKS ...] [LABELS ...] [PROPERTIES ...]): a
# Catch2 binary whose cases CTest knows one by one, with more properties of
# theirs. `main` and Catch2 itself are compiled once.
function(freehold_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;LABELS;PROPERTIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE freehold_test_main ${ARG_LINKS})
  # False positives of g++ 12 inside std::string at -O3 (GCC bugs 105329,
  # 105651): they come and go with inlining and say nothing about a test.
  target_compile_options(${name} PRIVATE
    -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
    -Wno-maybe-uninitialized)
  target_precompile_headers(${name} REUSE_FROM freehold_test_main)
  catch_discover_tests(${name} TEST_PREFIX "${name}: "
    PROPERTIES LABELS "${ARG_LABELS}" ${ARG_PROPERTIES})
endfunction()
