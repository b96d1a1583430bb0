# This port was not run yet. The package contains binaries, so nothing is built here.
set(VCPKG_BUILD_TYPE release)
set(VCPKG_POLICY_EMPTY_INCLUDE_FOLDER enabled) # the headers are in share
set(name "pact_telemetry-cpp-${VERSION}")
vcpkg_download_distfile(ARCHIVE
  URLS "https://github.com/pact-foundation/pact-telemetry/releases/download/v${VERSION}/${name}.tar.gz"
  FILENAME "${name}.tar.gz"
  SHA512 0) # of the published archive
vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "${ARCHIVE}")
# The files for CMake look for the headers and the libraries three folders above themselves, so the whole archive is
# installed as one folder.
file(INSTALL "${SOURCE_PATH}/" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}/package")
file(WRITE "${CURRENT_PACKAGES_DIR}/share/pact_telemetry/pact_telemetry-config.cmake"
  "include(\"\${CMAKE_CURRENT_LIST_DIR}/../${PORT}/package/lib/cmake/pact_telemetry/pact_telemetry-config.cmake\")\n")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/THIRD-PARTY-LICENSES.txt")
