# SPDX-License-Identifier: Apache-2.0
# Debian packages, made by `cpack --preset release`: zettatwin (program, catalog, scenarios, documents) and zettatwin-dev
# (headers and static libraries). Dependencies of the program are read from the binary.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME zettatwin)
set(CPACK_PACKAGE_VENDOR Zettatwin)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Digital twin of AI superclusters")
set(CPACK_PACKAGE_DESCRIPTION "Predicts the training step of a model on a machine of 10^3 to 10^6 accelerators: time, memory and
 breakdown, every number explained.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Zettatwin authors <zettatwin@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME zettatwin)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME zettatwin-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "zettatwin (= ${PROJECT_VERSION}), libfmt-dev, libyaml-cpp-dev, nlohmann-json3-dev, libexpected-dev")
include(CPack)
