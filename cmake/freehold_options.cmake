# What every target of ours is compiled with. `freehold_options` is an interface
# target: nothing global leaks into other people's builds.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(FREEHOLD_SANITIZE "build with the address and undefined sanitizers" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(freehold_options INTERFACE)
set_target_properties(freehold_options PROPERTIES EXPORT_NAME options)
target_compile_features(freehold_options INTERFACE cxx_std_20)
# Our warnings are not those of whoever uses an installed library.
target_compile_options(freehold_options INTERFACE
  "$<BUILD_INTERFACE:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion>"
  "$<BUILD_INTERFACE:-Wnon-virtual-dtor;-Werror;-fno-omit-frame-pointer>")
target_include_directories(freehold_options INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>"
  "$<INSTALL_INTERFACE:include/freehold>")
if(FREEHOLD_SANITIZE)
  target_compile_options(freehold_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all
    # g++ 12 sees uninitialised values in <regex> and std::variant that are
    # none once the sanitizers' checks stand between (GCC bug 105562).
    -Wno-maybe-uninitialized)
  target_link_options(freehold_options INTERFACE
    -fsanitize=address,undefined)
endif()

# freehold_library(NAME SOURCES ... [LINKS ...]): a static library of ours with
# the alias freehold::NAME.
function(freehold_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(freehold_${name} STATIC ${ARG_SOURCES})
  add_library(freehold::${name} ALIAS freehold_${name})
  set_target_properties(freehold_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(freehold_${name} PUBLIC freehold_options ${ARG_LINKS})
endfunction()
