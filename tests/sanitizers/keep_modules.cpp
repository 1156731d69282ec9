// LeakSanitizer finds a suppression by the library's name, which is lost when OpenMPI closes its plugins:
// programs under the address sanitizer keep what they have loaded.
extern "C" int dlclose(void* /*handle*/) noexcept {
  return 0;
}
