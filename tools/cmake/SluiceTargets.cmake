# SPDX-License-Identifier: Apache-2.0
# Folder = library = namespace:
#   sluice_library(NAME [SYSTEMC] [SEPARATE | AS_ONE] [DEPENDS lib...])   all .cpp files of the current folder
#   sluice_test(NAME logic|device|scenario [DEPENDS lib...])   all *_test.cpp files of the current folder

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sluice_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       $<$<BOOL:${SLUICE_WERROR}>:-Werror>
                       # GCC 12's std::stable_sort uses what it calls deprecated.
                       $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
                       # Tests run for a minute and compile for many.
                       $<$<CONFIG:Release>:$<IF:$<BOOL:$<TARGET_PROPERTY:SLUICE_TEST>>,-O0;-g0,-O2;-g1>>)
target_compile_definitions(sluice_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(SLUICE_SANITIZE)
  # A third of the time that tests compile for would be UndefinedBehaviourSanitizer's, which is there for what they test.
  target_compile_options(sluice_options INTERFACE -g1
                         -fsanitize=address$<$<NOT:$<BOOL:$<TARGET_PROPERTY:SLUICE_TEST>>>:,undefined>
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sluice_options INTERFACE -fsanitize=address,undefined)
endif()

# SystemC's headers cost over a second each time; they are compiled once.
file(WRITE ${CMAKE_BINARY_DIR}/systemc_pch.cpp "")
add_library(sluice_systemc_pch STATIC ${CMAKE_BINARY_DIR}/systemc_pch.cpp)
target_link_libraries(sluice_systemc_pch PUBLIC sluice_options systemc)
target_precompile_headers(sluice_systemc_pch PRIVATE <systemc> <tlm> <tlm_utils/simple_initiator_socket.h>
                          <tlm_utils/simple_target_socket.h> <functional> <map> <memory> <string> <vector>)

# So do those of every test. An executable as they are, for a library's code is compiled otherwise.
file(WRITE ${CMAKE_BINARY_DIR}/test_pch.cpp "")
function(sluice_test_pch)
  add_executable(sluice_test_pch EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/test_pch.cpp)
  set_target_properties(sluice_test_pch PROPERTIES SLUICE_TEST ON)
  target_link_libraries(sluice_test_pch PRIVATE test_support)
  target_precompile_headers(sluice_test_pch PRIVATE <gmock/gmock.h> <gtest/gtest.h> <algorithm> <functional> <map>
                            <memory> <random> <set> <string> <vector>)
endfunction()

# What includes no SystemC, through others either: built by clang too, and looked through by clang-tidy.
add_custom_target(systemc_free)
define_property(TARGET PROPERTY SLUICE_SYSTEMC BRIEF_DOCS "Includes SystemC" FULL_DOCS "Itself or through a dependency")
function(sluice_look_through name depends_on_systemc)
  foreach(dependency ${ARGN})
    if(TARGET ${dependency})
      get_target_property(systemc ${dependency} SLUICE_SYSTEMC)
      if(systemc)
        set(depends_on_systemc ON)
      endif()
    endif()
  endforeach()
  set_target_properties(${name} PROPERTIES SLUICE_SYSTEMC ${depends_on_systemc})
  if(NOT depends_on_systemc)
    add_dependencies(systemc_free ${name})
    # Clang, which compiles the files of a library as one, does not warn of it in what is included.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wunused-const-variable=1>)
    if(SLUICE_CLANG_TIDY)
      # Named, for what is compiled as one lies in the build folder, which may be anywhere.
      set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY
                            "${SLUICE_CLANG_TIDY};--quiet;--config-file=${CMAKE_SOURCE_DIR}/.clang-tidy")
    endif()
  endif()
endfunction()

# What two files call alike in their unnamed namespaces is then one; SEPARATE leaves a library as it is. AS_ONE: in every
# build, for the headers that its files share cost several times what their code does.
function(sluice_unity name as_one)
  if(SLUICE_UNITY OR as_one)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16
                          UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
  endif()
endfunction()

function(sluice_library name)
  cmake_parse_arguments(ARG "SYSTEMC;SEPARATE;AS_ONE" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE sluice_options ${ARG_DEPENDS})
    if(ARG_SYSTEMC)
      target_link_libraries(${name} INTERFACE systemc)
    endif()
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC sluice_options ${ARG_DEPENDS})
  sluice_look_through(${name} ${ARG_SYSTEMC} ${ARG_DEPENDS})
  if(NOT ARG_SEPARATE)
    sluice_unity(${name} ${ARG_AS_ONE})
  endif()
  if(ARG_SYSTEMC)
    target_link_libraries(${name} PUBLIC systemc)
    target_precompile_headers(${name} REUSE_FROM sluice_systemc_pch)
  endif()
endfunction()

add_custom_target(logic_tests)
function(sluice_test name size)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
  set_target_properties(${name}_test PROPERTIES SLUICE_TEST ON)
  target_link_libraries(${name}_test PRIVATE ${ARG_DEPENDS} test_support)
  target_precompile_headers(${name}_test REUSE_FROM sluice_test_pch)
  if(size STREQUAL "logic")
    add_dependencies(logic_tests ${name}_test)
  endif()
  if(SLUICE_SANITIZE)
    # A process takes the sanitizers longer to start than most cases take, and none of those that they see elaborates.
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS ${size} TIMEOUT 900)
  else()
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." PROPERTIES LABELS ${size} TIMEOUT 300 DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
