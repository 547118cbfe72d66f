# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts into a prefix, in two components: `runtime` (the program, its catalog and scenarios, documents,
# completion) and `development` (headers, static libraries, CMake package).

# The build tree's share/zettatwin, so that one rule finds the catalog from a program: ../share/zettatwin/catalog.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/zettatwin)
foreach(folder IN ITEMS catalog scenarios)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/share/zettatwin/${folder} SYMBOLIC)
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/zettatwin COMPONENT runtime)
  endif()
endforeach()
install(FILES README.md ARCHITECTURE.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime FILES_MATCHING PATTERN "*.md")

set(ZT_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/zettatwin)

# The target zettatwin::<name> and its public headers.
function(zt_install_module name)
  set_target_properties(zt_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS zt_${name} EXPORT zettatwin ARCHIVE COMPONENT development)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/zettatwin COMPONENT development
          FILES_MATCHING PATTERN "*.hpp" PATTERN "detail" EXCLUDE)
endfunction()

include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/zettatwinConfig.cmake.in ${PROJECT_BINARY_DIR}/zettatwinConfig.cmake
                              INSTALL_DESTINATION ${ZT_PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/zettatwinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/zettatwinConfig.cmake ${PROJECT_BINARY_DIR}/zettatwinConfigVersion.cmake
        DESTINATION ${ZT_PACKAGE_FOLDER} COMPONENT development)
install(EXPORT zettatwin NAMESPACE zettatwin:: FILE zettatwinTargets.cmake DESTINATION ${ZT_PACKAGE_FOLDER}
        COMPONENT development)
