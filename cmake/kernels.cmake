# The row kernels of room nn, once per instruction set; src/nn/kernels/kernels.cpp chooses at run time. Sums may be taken in another
# order than written (that is what makes them fast), but infinities and NaN keep their meaning: they are how a broken run is noticed.
set(fast -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math -freciprocal-math)
set(folder "${PROJECT_SOURCE_DIR}/src/nn/kernels")
set_source_files_properties("${folder}/baseline.cpp" PROPERTIES COMPILE_OPTIONS "${fast}" SKIP_PRECOMPILE_HEADERS ON)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_source_files_properties("${folder}/avx2.cpp" PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "${fast};-mavx2;-mfma;-mf16c")
  set_source_files_properties("${folder}/avx512.cpp" PROPERTIES SKIP_PRECOMPILE_HEADERS ON
    COMPILE_OPTIONS "${fast};-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma;-mprefer-vector-width=512")
endif()

# The shared object that the program loads when a recipe trains weights; libtorch comes with it and with nothing else.
add_library(hone_nn_module MODULE $<TARGET_OBJECTS:hone_nn>)
target_link_libraries(hone_nn_module PRIVATE hone_core hone_wire hone_torch OpenSSL::Crypto hone_options)
set_target_properties(hone_nn_module PROPERTIES OUTPUT_NAME hone_nn PREFIX lib LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(hone_nn_module PRIVATE LINKER:--exclude-libs,ALL)
endif()
install(TARGETS hone_nn_module LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
