# SPDX-License-Identifier: Apache-2.0
# What the project is built with; all of it from Debian's packages (tools/packages.txt).
option(SLUICE_BUILD_TESTS "Build the tests" ON)
option(SLUICE_SANITIZE "AddressSanitizer and UndefinedBehaviourSanitizer" OFF)
option(SLUICE_WERROR "Warnings are errors" OFF)
option(SLUICE_UNITY "Compile the files of a library as one. Quick where headers cost more than code; hides missing includes" OFF)
set(SLUICE_CLANG_TIDY "" CACHE STRING "The clang-tidy that looks through what is compiled; empty: none")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  # Without this it would not keep what is compiled with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${SLUICE_CCACHE})
endif()
find_program(SLUICE_LLD ld.lld)
if(SLUICE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
# The build of Lua whose errors are C++ exceptions: they unwind what lies between.
find_library(LUA_LIBRARY lua5.4-c++ REQUIRED)
find_path(LUA_INCLUDE lua5.4/lua.hpp REQUIRED)
add_library(lua INTERFACE)
target_include_directories(lua SYSTEM INTERFACE ${LUA_INCLUDE})
target_link_libraries(lua INTERFACE ${LUA_LIBRARY})
find_library(SYSTEMC_LIBRARY systemc REQUIRED)
find_path(SYSTEMC_INCLUDE systemc REQUIRED)

# Debian's SystemC is built as C++17; it works with C++20 when every user of its headers says so.
add_library(systemc INTERFACE)
target_include_directories(systemc SYSTEM INTERFACE ${SYSTEMC_INCLUDE})
target_link_libraries(systemc INTERFACE ${SYSTEMC_LIBRARY} Threads::Threads)
target_compile_definitions(systemc INTERFACE SC_CPLUSPLUS=201703L SC_INCLUDE_DYNAMIC_PROCESSES)
