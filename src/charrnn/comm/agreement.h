// Agreement between ranks: an error on one rank becomes an error on all, with a message that is printed once;
// settings that differ between ranks are an error.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Thrown on every rank after rank 0 has printed the error: main only has to return the exit code of its kind.
class AgreedError : public Error {
 public:
  using Error::Error;
};

// Every rank runs `body`. If it throws on any of them, rank 0 prints each distinct message once, with the
// ranks it came from, and every rank throws AgreedError with the highest kind. `body` may make collective
// calls only if no rank can fail before or between them (the others would wait for it until
// comm.timeout_seconds).
void agree_on_errors(Communicator& comm, const std::function<void()>& body);

// Every rank calls it with its facts, by name. If any differ from rank 0's, rank 0 prints the differences and
// every rank throws AgreedError (kInput): ranks with different settings would train on different data, or
// wait for each other forever.
void expect_equal(Communicator& comm, const std::map<std::string, std::string>& facts);

}  // namespace charrnn
