// Stands in for libtorch_cuda.so, which charrnn loads if it finds a GPU; communicators call none of its
// functions.
