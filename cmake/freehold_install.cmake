# What `cmake --install` puts into a prefix: the binary, and the libraries and
# headers with which applications of one's own are built and tested. Headers lie
# below include/freehold as they do here, and are included by the same names.
# `find_package(freehold)` gives targets freehold::engine, freehold::log,
# freehold::entity_kit, freehold::simulation and what they need.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/freehold")

install(TARGETS freehold freehold-sim)
install(TARGETS
    freehold_options
    freehold_base freehold_ports freehold_codec freehold_entity freehold_analytics
    freehold_engine freehold_log freehold_ledger freehold_kafka
    freehold_entity_kit freehold_testkit freehold_simulation
  EXPORT freehold)
install(EXPORT freehold NAMESPACE freehold:: DESTINATION "${package_dir}"
  FILE freeholdTargets.cmake)

foreach(folder runtime bridges/log bridges/ledger bridges/kafka tests/testkit)
  install(DIRECTORY "${folder}/"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/freehold/${folder}"
    FILES_MATCHING PATTERN "*.hpp")
endforeach()

configure_package_config_file(cmake/freeholdConfig.cmake.in
  freeholdConfig.cmake INSTALL_DESTINATION "${package_dir}")
# Before 1.0 nothing is promised from one minor version to the next.
write_basic_package_version_file(freeholdConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/freeholdConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/freeholdConfigVersion.cmake"
    cmake/FindCAF.cmake
  DESTINATION "${package_dir}")
