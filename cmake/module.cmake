# SPDX-License-Identifier: Apache-2.0
# A module is one static library; its DEPENDS are the only modules that it may include (tests/arch checks it).
#   zt_module(fold DEPENDS base space EXTERNAL fmt::fmt)
# Sources are the .cpp files of src/<name>; headers live beside them and are included as "<name>/header.hpp".
function(zt_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXTERNAL" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp
       ${PROJECT_SOURCE_DIR}/src/${name}/detail/*.cpp)
  set(links "")
  foreach(dep IN LISTS ARG_DEPENDS)
    list(APPEND links zt_${dep})
  endforeach()
  if(sources)
    add_library(zt_${name} STATIC ${sources})
    target_link_libraries(zt_${name} PUBLIC ${links} ${ARG_EXTERNAL} PRIVATE zt_warnings)
    target_include_directories(zt_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  else()
    add_library(zt_${name} INTERFACE)
    target_link_libraries(zt_${name} INTERFACE ${links} ${ARG_EXTERNAL})
    target_include_directories(zt_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
  endif()
  # One line per module for the architecture test: name: dep dep ...
  set_property(GLOBAL APPEND_STRING PROPERTY ZT_MODULE_GRAPH "${name}: ${ARG_DEPENDS}\n")
endfunction()

# zt_test(name SOURCES a.cpp b.cpp DEPENDS module ...) adds one GoogleTest binary whose cases CTest discovers.
function(zt_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  set(links "")
  foreach(dep IN LISTS ARG_DEPENDS)
    list(APPEND links zt_${dep})
  endforeach()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${links} zt_warnings GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ZT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
