// Stands in for libtorch_cuda.so, which charrnn loads where there is a GPU; communicators call nothing in it.
