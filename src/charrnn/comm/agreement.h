// Ranks agree before they continue: an error on one of them is an error on all, with a message that is
// printed once, and facts that differ between them are an error.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Thrown on every rank after rank 0 has printed what went wrong: main only has to leave with the code of its
// kind.
class AgreedError : public Error {
 public:
  using Error::Error;
};

// Every rank runs `body`. If it threw on any of them, rank 0 prints each distinct message once, with the
// ranks that had it, and every rank throws AgreedError with the greatest kind. `body` may make collective
// calls only if a rank cannot fail before or between them (the others would wait for it until
// comm.timeout_seconds).
void agree_on_errors(Communicator& comm, const std::function<void()>& body);

// Every rank calls it with its facts, by name. If they differ between ranks, each rank whose facts are not
// those of rank 0 throws AgreedError (usage) that lists them: ranks with different settings would train on
// different data, or wait for each other without an end.
void expect_equal(Communicator& comm, const std::map<std::string, std::string>& facts);

}  // namespace charrnn
