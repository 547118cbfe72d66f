# SPDX-License-Identifier: Apache-2.0
# A module is one static library; its DEPENDS are the only modules that it may include (tests/arch checks it).
#   zt_module(fold DEPENDS base space EXTERNAL fmt::fmt)
# Sources are the .cpp files of src/<name>; headers live beside them and are included as "<name>/header.hpp".
# Installed, it is the target zettatwin::<name>.
function(zt_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXTERNAL" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp
       ${PROJECT_SOURCE_DIR}/src/${name}/detail/*.cpp)
  if(sources)
    set(scope PUBLIC)
    add_library(zt_${name} STATIC ${sources})
    target_link_libraries(zt_${name} PRIVATE $<BUILD_INTERFACE:zt_warnings>)
  else()
    set(scope INTERFACE)
    add_library(zt_${name} INTERFACE)
  endif()
  list(TRANSFORM ARG_DEPENDS PREPEND zt_ OUTPUT_VARIABLE modules)
  target_link_libraries(zt_${name} ${scope} ${modules} ${ARG_EXTERNAL})
  target_include_directories(zt_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/zettatwin>)
  target_compile_features(zt_${name} ${scope} cxx_std_20)
  zt_install_module(${name})
endfunction()

# zt_app(zettatwin SOURCES cli/main.cpp ... DEPENDS api EXTERNAL CLI11::CLI11) adds a program. It finds the catalog as
# ZT_SHARE relative to its own folder, installed or not: the build tree has the same shape as an installed prefix.
function(zt_app name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;EXTERNAL" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPENDS PREPEND zt_ OUTPUT_VARIABLE modules)
  target_link_libraries(${name} PRIVATE ${modules} ${ARG_EXTERNAL} zt_warnings)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE ZT_VERSION="${PROJECT_VERSION}" ZT_SHARE="../share/zettatwin"
                             ZT_SOURCE_CATALOG="${PROJECT_SOURCE_DIR}/catalog")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME COMPONENT runtime)
endfunction()

# zt_test(name SOURCES a.cpp b.cpp DEPENDS module ... [LABELS slow]) adds one GoogleTest binary whose cases CTest discovers.
function(zt_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPENDS PREPEND zt_ OUTPUT_VARIABLE modules)
  target_link_libraries(${name} PRIVATE ${modules} zt_warnings zt_test_places GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ZT_TEST_THINNING=${ZT_TEST_THINNING})
  # Tests themselves need little optimisation, and compile faster with less (a third with optimisation, to a third under sanitizers);
  # what they test is built as ever.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)
  set(properties TIMEOUT ${ZT_TEST_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES PROPERTIES ${properties})
endfunction()
