// What the ranks do as one: share a text, or fail together with a message that is printed once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Thrown on every rank after rank 0 has printed what went wrong: main has only to leave with its code.
class AgreedError : public Error {
 public:
  using Error::Error;
};

// ROOT's text, on every rank.
std::string broadcast_text(Communicator& comm, std::string text, int root = 0);

// One text per rank, on every rank.
std::vector<std::string> all_gather_text(Communicator& comm, const std::string& text);

// Every rank runs BODY. If it threw on any of them, rank 0 prints each distinct message once, with the ranks
// that had it, and every rank throws AgreedError with the highest code. BODY may hold collective calls only
// where a rank cannot fail before or between them (the others would wait for it until comm.timeout_seconds).
void agree_on_errors(Communicator& comm, const std::function<void()>& body);

// Every rank calls it with its own facts, by name. If they differ between ranks, each rank that has others
// than rank 0 throws AgreedError (usage) that lists them: ranks with different settings would train on
// different things, or wait for each other without an end.
void expect_equal(Communicator& comm, const std::map<std::string, std::string>& facts);

// Runs WORK, which calls no Communicator, in a thread of its own while the ranks that wait for this one hear
// that it works: for long files and slow programs. What it throws is thrown here.
void with_heartbeat(Communicator& comm, const std::function<void()>& work);

}  // namespace charrnn
