// Ranks that have waited for long tell each other what they wait in, over a communicator of their own: who
// says nothing is the one that all wait for. MPI backend only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "charrnn/comm/missing_ranks.h"
#include "charrnn/comm/mpi/mpi_calls.h"
#include "charrnn/comm/operation_log.h"
#include "charrnn/core/host_name.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {

// What a rank tells another.
struct WaitsIn {
  int64_t sequence = 0;  // 0: it does not wait, it works
  int64_t device_came = 1;
  std::array<char, 32> operation{};
};

class PeerStatus {
 public:
  // HOST_LEADER: the lowest rank that shares this rank's memory.
  PeerStatus(MPI_Comm world, int rank, int size, int host_leader)
      : rank_(static_cast<size_t>(rank)), heard_(static_cast<size_t>(size)), told_(heard_.size()) {
    check_mpi(MPI_Comm_dup(world, &comm_), "MPI_Comm_dup");
    learn_hosts(host_leader);
    post_receive();
  }
  ~PeerStatus() {
    MPI_Cancel(&receiving_);
    MPI_Wait(&receiving_, MPI_STATUS_IGNORE);
    for (Sending& sending : sendings_) MPI_Request_free(&sending.request);
    MPI_Comm_free(&comm_);
  }
  PeerStatus(const PeerStatus&) = delete;
  PeerStatus& operator=(const PeerStatus&) = delete;

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

  // This rank does not wait but works: those that wait for it hear so.
  void tell_working() {
    hear();
    for (size_t other = 0; other < told_.size(); ++other) {
      if (!heard_[other].wants_answer) continue;
      heard_[other].wants_answer = false;
      tell(other, Operation(), kCame);
      told_[other] = kNothing;
    }
  }
  // Since when the last rank that works was heard. The next wait asks anew.
  RunningClock::Time working_heard_at() const { return working_heard_at_; }
  void ask_again() { told_in_ = 0; }

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
    RunningClock::Time since{};
    bool wants_answer = false;
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

  // Ranks of one host get one name; hosts that have the same one (such as localhost) a number each.
  void learn_hosts(int host_leader) {
    struct Place {
      int leader = 0;
      std::array<char, 256> name{};
    } own;
    own.leader = host_leader;
    std::snprintf(own.name.data(), own.name.size(), "%s", host_name().c_str());
    std::vector<Place> all(heard_.size());
    check_mpi(MPI_Allgather(&own, sizeof own, MPI_BYTE, all.data(), sizeof own, MPI_BYTE, comm_),
              "MPI_Allgather");
    std::map<std::string, std::vector<int>> leaders;  // of each name
    for (size_t rank = 0; rank < all.size(); ++rank) {
      if (all[rank].leader == static_cast<int>(rank))
        leaders[all[rank].name.data()].push_back(all[rank].leader);
    }
    for (const Place& place : all) {
      const std::string name = all.at(static_cast<size_t>(place.leader)).name.data();
      const std::vector<int>& same = leaders.at(name);
      const auto number = std::find(same.begin(), same.end(), place.leader) - same.begin() + 1;
      hosts_.push_back(same.size() == 1 ? name : concat(name, " no. ", number));
    }
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
      const RunningClock::Time now = running_clock().now();
      if (incoming_.sequence == 0) {
        working_heard_at_ = now;
      } else {
        heard_.at(static_cast<size_t>(status.MPI_SOURCE)) = {incoming_, now, true};
      }
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
  RunningClock::Time working_heard_at_{};
  std::vector<std::string> hosts_;
  WaitsIn incoming_;
  MPI_Request receiving_ = MPI_REQUEST_NULL;
  std::list<Sending> sendings_;  // a list: MPI knows their places
};

}  // namespace charrnn
