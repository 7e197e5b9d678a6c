# cmake --install: programs, plugins, and the SDK for plugins of others. The folder may be moved as a whole.
#   bin/                      ionstreamd, ion
#   lib/ionstream/plugins/    the broker's own plugins;  lib/ionstream/lib/ their library, where the plugin host looks for it
#   include/ion/              C ABI, C++ SDK for plugins, C++ client;  lib/cmake/IonStream/ find_package(IonStream)
#   lib/libion_client*.a, lib/libion_codecs.a   the C++ client, which uses lib/ionstream/lib/, too
#   share/ionstream/          client-example, their READMEs
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/IonStream)
set(own_lib_dir ${CMAKE_INSTALL_LIBDIR}/ionstream/lib)

set(programs)
foreach(target ionstreamd ion)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../${own_lib_dir}")
    list(APPEND programs ${target})
  endif()
endforeach()
install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(plugin storage-memory storage-mmap consensus-single partition-router transport-grpc json-schema-check redact route-by-header)
  if(TARGET ionstream-plugin-${plugin})
    install(TARGETS ionstream-plugin-${plugin} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/ionstream/plugins)
  endif()
endforeach()
# The C++ client has an export set of its own: who writes a plugin needs no gRPC.
if(TARGET ion_client)
  set_target_properties(ionproto PROPERTIES EXPORT_NAME client_proto)
  set_target_properties(ion_client_core PROPERTIES EXPORT_NAME client_core)
  set_target_properties(ion_client PROPERTIES EXPORT_NAME client)
  set_target_properties(ion_codecs PROPERTIES EXPORT_NAME client_codecs)
  install(TARGETS ionproto EXPORT IonStreamClientTargets LIBRARY DESTINATION ${own_lib_dir})
  install(TARGETS ion_client ion_client_core ion_codecs EXPORT IonStreamClientTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY sdk/cpp/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  install(EXPORT IonStreamClientTargets NAMESPACE IonStream:: DESTINATION ${package_dir})
  install(DIRECTORY sdk/cpp/examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ionstream/client-example)
  install(FILES sdk/cpp/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/ionstream RENAME client-README.md)
endif()

set_target_properties(ion_plugin_abi PROPERTIES EXPORT_NAME plugin_abi)
set_target_properties(ion_plugin_sdk PROPERTIES EXPORT_NAME plugin_sdk)
install(TARGETS ion_plugin_abi ion_plugin_sdk EXPORT IonStreamTargets)
install(DIRECTORY sdk/plugin/abi/include/ sdk/plugin/cpp/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT IonStreamTargets NAMESPACE IonStream:: DESTINATION ${package_dir})
configure_package_config_file(sdk/plugin/cmake/IonStreamConfig.cmake.in ${CMAKE_BINARY_DIR}/IonStreamConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/IonStreamConfigVersion.cmake VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/IonStreamConfig.cmake ${CMAKE_BINARY_DIR}/IonStreamConfigVersion.cmake sdk/plugin/cmake/IonPlugin.cmake
  sdk/plugin/cmake/plugin.version DESTINATION ${package_dir})
install(FILES sdk/plugin/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/ionstream RENAME plugin-README.md)
