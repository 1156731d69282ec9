// Ranks that have waited for long tell each other what they wait in, over a communicator of their own: who
// says nothing is the one that all wait for. MPI backend only.
#pragma once

#include <array>
#include <cstdio>
#include <list>
#include <string>
#include <vector>

#include "comm/host_name.h"
#include "comm/missing_ranks.h"
#include "comm/mpi_calls.h"
#include "comm/operation_log.h"
#include "core/clock.h"

namespace charrnn {

// What a rank that waits tells another.
struct WaitsIn {
  int64_t sequence = 0;
  int64_t device_came = 1;
  std::array<char, 32> operation{};
};

class WaitTalk {
 public:
  WaitTalk(MPI_Comm world, int rank, int size)
      : rank_(static_cast<size_t>(rank)), heard_(static_cast<size_t>(size)), told_(heard_.size()) {
    check_mpi(MPI_Comm_dup(world, &comm_), "MPI_Comm_dup");
    std::array<char, 256> own{};
    std::snprintf(own.data(), own.size(), "%s", host_name().c_str());
    std::vector<std::array<char, 256>> all(heard_.size());
    check_mpi(MPI_Allgather(own.data(), own.size(), MPI_CHAR, all.data(), own.size(), MPI_CHAR, comm_),
              "MPI_Allgather");
    for (const auto& name : all) hosts_.emplace_back(name.data());
    post_receive();
  }
  ~WaitTalk() {
    MPI_Cancel(&receiving_);
    MPI_Wait(&receiving_, MPI_STATUS_IGNORE);
    for (Sending& sending : sendings_) MPI_Request_free(&sending.request);
    MPI_Comm_free(&comm_);
  }
  WaitTalk(const WaitTalk&) = delete;
  WaitTalk& operator=(const WaitTalk&) = delete;

  const std::string& host_of(int rank) const { return hosts_.at(static_cast<size_t>(rank)); }

  // Called again and again while this rank waits in OPERATION. ASKS: it has waited for so long that it tells
  // all ranks; before that it answers those that told it.
  void talk(const Operation& operation, bool device_came, bool asks) {
    hear();
    if (operation.sequence != told_in_) {
      told_in_ = operation.sequence;
      std::fill(told_.begin(), told_.end(), kNothing);
    }
    const int now = device_came ? kCame : kWaits;
    for (size_t other = 0; other < told_.size(); ++other) {
      const bool was_asked = has_told(heard_[other], operation);
      if (other != rank_ && told_[other] != now && (asks || was_asked)) tell(other, operation, now);
    }
  }

  std::vector<RankAnswer> answers(const Operation& operation, bool device_came) const {
    std::vector<RankAnswer> all;
    for (size_t other = 0; other < heard_.size(); ++other) {
      const Heard& heard = heard_[other];
      if (other == rank_) {
        all.push_back({true, operation.sequence, operation.name, device_came, hosts_[other]});
      } else {
        all.push_back({has_told(heard, operation), heard.message.sequence, heard.message.operation.data(),
                       heard.message.device_came != 0, hosts_[other]});
      }
    }
    return all;
  }

 private:
  struct Heard {
    WaitsIn message;
    Clock::time_point since;
  };
  struct Sending {
    WaitsIn message;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  static constexpr int kNothing = -1;
  static constexpr int kWaits = 0;
  static constexpr int kCame = 1;

  // In this wait; or in the one before, where that rank was here earlier.
  static bool has_told(const Heard& heard, const Operation& operation) {
    return heard.message.sequence == operation.sequence ||
           (heard.message.sequence != 0 && heard.since >= operation.awaited);
  }

  void post_receive() {
    check_mpi(MPI_Irecv(&incoming_, sizeof incoming_, MPI_BYTE, MPI_ANY_SOURCE, 0, comm_, &receiving_),
              "MPI_Irecv");
  }

  void hear() {
    for (;;) {
      int done = 0;
      MPI_Status status;
      check_mpi(MPI_Test(&receiving_, &done, &status), "MPI_Test");
      if (done == 0) break;
      incoming_.operation.back() = '\0';
      heard_.at(static_cast<size_t>(status.MPI_SOURCE)) = {incoming_, Clock::now()};
      post_receive();
    }
    sendings_.remove_if([](Sending& sending) {
      int done = 0;
      MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
  }

  void tell(size_t other, const Operation& operation, int now) {
    Sending& sending = sendings_.emplace_back();
    sending.message.sequence = operation.sequence;
    sending.message.device_came = now;
    std::snprintf(sending.message.operation.data(), sending.message.operation.size(), "%s",
                  operation.name.c_str());
    check_mpi(MPI_Isend(&sending.message, sizeof sending.message, MPI_BYTE, static_cast<int>(other), 0, comm_,
                        &sending.request),
              "MPI_Isend");
    told_[other] = now;
  }

  MPI_Comm comm_ = MPI_COMM_NULL;
  size_t rank_;
  std::vector<Heard> heard_;
  std::vector<int> told_;  // to each rank, in the operation told_in_
  int64_t told_in_ = 0;
  std::vector<std::string> hosts_;
  WaitsIn incoming_;
  MPI_Request receiving_ = MPI_REQUEST_NULL;
  std::list<Sending> sendings_;  // a list: MPI knows their places
};

}  // namespace charrnn
