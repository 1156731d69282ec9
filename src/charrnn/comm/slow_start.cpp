#include "charrnn/comm/slow_start.h"

#include <netdb.h>

#include <cmath>

#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/host_name.h"

namespace charrnn {
namespace {

constexpr double kQuickLookup = 0.5;  // seconds

double one_decimal(double seconds) {
  return std::round(seconds * 10) / 10;
}

}  // namespace

std::string slow_start_text(const std::string& operation, double seconds) {
  const std::string name = host_name();
  const auto began = Clock::now();
  addrinfo* found = nullptr;
  const int result = getaddrinfo(name.c_str(), nullptr, nullptr, &found);
  if (found != nullptr) freeaddrinfo(found);
  const double lookup = seconds_since(began);

  std::string text = concat(operation, " is taking long (", std::llround(seconds), " s so far). ");
  if (result != 0) {
    return text + concat("The name of this host, ", name, ", does not resolve (", gai_strerror(result),
                         " after ", one_decimal(lookup),
                         " s), and MPI waits for such lookups: add the name to /etc/hosts");
  }
  if (lookup > kQuickLookup) {
    return text +
           concat(
               "The lookup of this host's name, ", name, ", takes ", one_decimal(lookup),
               " s, and MPI waits for such lookups: add the name to /etc/hosts, or repair the name server");
  }
  return text + concat("The name of this host, ", name,
                       ", resolves at once, so MPI is waiting for ranks that start late or for "
                       "a network interface. To choose the interface, set OMPI_MCA_btl_tcp_if_include and "
                       "OMPI_MCA_oob_tcp_if_include for MPI, NCCL_SOCKET_IFNAME for NCCL");
}

}  // namespace charrnn
