# find_package(pact_telemetry CONFIG) gives two targets:
#
#   pact_telemetry::telemetry   links against the library. Where there is no library to link against, or the system is
#                               not Linux, it is the same as the next one.
#   pact_telemetry::loaded      loads the library when the first client is made (PACT_TELEMETRY_DLOPEN). Where there is
#                               no library, a client does nothing and says why.
#
# The library is the one of this package for the target's platform, in the folder `native`. If there is none, it is the
# one of the same prefix, and otherwise the system's. PACT_TELEMETRY_PLATFORM says which platform was found.
cmake_minimum_required(VERSION 3.15)

if(NOT TARGET pact_telemetry::telemetry)
  get_filename_component(_pact_telemetry_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" _pact_telemetry_cpu)
  if(_pact_telemetry_cpu MATCHES "^(x86_64|amd64)$")
    set(_pact_telemetry_cpu x64)
  elseif(_pact_telemetry_cpu MATCHES "^(aarch64|arm64)$")
    set(_pact_telemetry_cpu arm64)
  endif()
  if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
    string(APPEND _pact_telemetry_cpu "-32bit")
  endif()

  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # Only the headers of glibc define it.
    include(CheckCXXSymbolExists)
    check_cxx_symbol_exists(__GLIBC__ "cstdlib" PACT_TELEMETRY_HAS_GLIBC)
    if(PACT_TELEMETRY_HAS_GLIBC)
      set(PACT_TELEMETRY_PLATFORM "linux-${_pact_telemetry_cpu}-gnu")
    else()
      set(PACT_TELEMETRY_PLATFORM "linux-${_pact_telemetry_cpu}-musl")
    endif()
    set(_pact_telemetry_file "libpact_telemetry.so.1")
  elseif(APPLE)
    if(CMAKE_OSX_ARCHITECTURES MATCHES "^(x86_64|arm64)$")
      string(REPLACE "x86_64" "x64" _pact_telemetry_cpu "${CMAKE_OSX_ARCHITECTURES}")
    endif()
    set(PACT_TELEMETRY_PLATFORM "darwin-${_pact_telemetry_cpu}")
    set(_pact_telemetry_file "libpact_telemetry.dylib")
  elseif(WIN32)
    set(PACT_TELEMETRY_PLATFORM "win32-${_pact_telemetry_cpu}")
    set(_pact_telemetry_file "pact_telemetry.dll")
  else()
    set(PACT_TELEMETRY_PLATFORM "${CMAKE_SYSTEM_NAME}-${_pact_telemetry_cpu}")
    set(_pact_telemetry_file "libpact_telemetry.so.1")
  endif()

  set(_pact_telemetry_library "")
  foreach(_pact_telemetry_folder "native/${PACT_TELEMETRY_PLATFORM}" "lib" "bin")
    set(_pact_telemetry_path "${_pact_telemetry_prefix}/${_pact_telemetry_folder}/${_pact_telemetry_file}")
    if(NOT _pact_telemetry_library AND EXISTS "${_pact_telemetry_path}")
      set(_pact_telemetry_library "${_pact_telemetry_path}")
    endif()
  endforeach()

  add_library(pact_telemetry::loaded INTERFACE IMPORTED)
  set_target_properties(pact_telemetry::loaded PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_pact_telemetry_prefix}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_17
    INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS}")
  set(_pact_telemetry_definitions PACT_TELEMETRY_DLOPEN)
  if(_pact_telemetry_library)
    list(APPEND _pact_telemetry_definitions "PACT_TELEMETRY_PACKAGED_LIBRARY=\"${_pact_telemetry_library}\"")
  else()
    find_library(PACT_TELEMETRY_SYSTEM_LIBRARY pact_telemetry)
    mark_as_advanced(PACT_TELEMETRY_SYSTEM_LIBRARY)
    if(PACT_TELEMETRY_SYSTEM_LIBRARY)
      set(_pact_telemetry_library "${PACT_TELEMETRY_SYSTEM_LIBRARY}")
    else()
      message(STATUS "pact_telemetry: no library for ${PACT_TELEMETRY_PLATFORM}: clients do nothing, unless one is \
found when the program runs")
    endif()
  endif()
  set_target_properties(pact_telemetry::loaded PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS "${_pact_telemetry_definitions}")

  if(_pact_telemetry_library AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_library(pact_telemetry::telemetry SHARED IMPORTED)
    set_target_properties(pact_telemetry::telemetry PROPERTIES
      IMPORTED_LOCATION "${_pact_telemetry_library}"
      IMPORTED_SONAME "libpact_telemetry.so.1"
      INTERFACE_INCLUDE_DIRECTORIES "${_pact_telemetry_prefix}/include"
      INTERFACE_COMPILE_FEATURES cxx_std_17)
  else()
    add_library(pact_telemetry::telemetry INTERFACE IMPORTED)
    set_target_properties(pact_telemetry::telemetry PROPERTIES INTERFACE_LINK_LIBRARIES pact_telemetry::loaded)
  endif()
endif()
