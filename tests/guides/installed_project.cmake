# cmake -D DOCUMENTS=... -D BUILT=... -D INTO=... -P this
#
# Installs what lies in BUILT below INTO, and there makes, builds and tests the
# project of the guide on campaigns as it stands in DOCUMENTS.
set(project "${INTO}/project")
set(prefix "${INTO}/prefix")
file(REMOVE_RECURSE "${INTO}")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(listing guide language name file)
  run("${CMAKE_COMMAND}" -D "DOCUMENT=${DOCUMENTS}/${guide}.md"
    -D "LISTING=${name}" -D "LANGUAGE=${language}"
    -D "OUTPUT=${project}/${file}"
    -P "${CMAKE_CURRENT_LIST_DIR}/extract_listing.cmake")
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILT}" --prefix "${prefix}")
listing(campaigns cmake project CMakeLists.txt)
listing(campaigns cpp campaign campaign.hpp)
listing(campaigns cpp test campaign_test.cpp)
listing(first-entity cpp entity first_entity.hpp)
file(WRITE "${project}/main.cpp"
  "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
run("${CMAKE_COMMAND}" -G Ninja -S "${project}" -B "${project}/build"
  -D "CMAKE_PREFIX_PATH=${prefix}" -D CMAKE_BUILD_TYPE=Release)
run("${CMAKE_COMMAND}" --build "${project}/build")
run("${CMAKE_CTEST_COMMAND}" --test-dir "${project}/build" --output-on-failure)
run("${prefix}/bin/freehold" --version)
run("${prefix}/bin/freehold-sim" --seeds 1)
