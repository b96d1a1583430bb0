# A project may ask for any version with the same major number that is not newer than this one. CMake compares numbers
# only, so a pre-release counts as the release.
set(PACT_TELEMETRY_FULL_VERSION "1.0.0-alpha.1")
string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" PACKAGE_VERSION "${PACT_TELEMETRY_FULL_VERSION}")
string(REGEX MATCH "^[0-9]+" _pact_telemetry_major "${PACKAGE_VERSION}")
if(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(_pact_telemetry_major EQUAL PACKAGE_FIND_VERSION_MAJOR AND NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
