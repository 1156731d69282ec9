#include "charrnn/comm/mpi/peer_status.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "charrnn/core/host_name.h"

namespace charrnn {

PeerStatus::PeerStatus(MPI_Comm world, int rank, int size, int host_leader)
    : rank_(static_cast<size_t>(rank)), received_(static_cast<size_t>(size)), sent_(received_.size()) {
  check_mpi(MPI_Comm_dup(world, &comm_), "MPI_Comm_dup");
  exchange_hosts(host_leader);
  post_receive();
}

PeerStatus::~PeerStatus() {
  MPI_Cancel(&receiving_);
  MPI_Wait(&receiving_, MPI_STATUS_IGNORE);
  for (Sending& sending : sendings_) MPI_Request_free(&sending.request);
  MPI_Comm_free(&comm_);
}

void PeerStatus::update(const Operation& operation, bool device_arrived, bool to_all) {
  receive();
  if (operation.sequence != sent_in_) {
    sent_in_ = operation.sequence;
    std::fill(sent_.begin(), sent_.end(), Sent::kNothing);
  }
  const Sent current = device_arrived ? Sent::kArrived : Sent::kDeviceMissing;
  for (size_t other = 0; other < sent_.size(); ++other) {
    if (other == rank_ || sent_[other] == current) continue;
    if (!to_all && !has_answered(received_[other], operation)) continue;
    Message message{operation.sequence, device_arrived ? 1 : 0, {}};
    std::snprintf(message.operation.data(), message.operation.size(), "%s", operation.name.c_str());
    send(other, message);
    sent_[other] = current;
  }
}

void PeerStatus::send_heartbeat() {
  receive();
  for (size_t other = 0; other < sent_.size(); ++other) {
    if (!received_[other].wants_answer) continue;
    received_[other].wants_answer = false;
    send(other, {kHeartbeat, 1, {}});
    sent_[other] = Sent::kNothing;
  }
}

void PeerStatus::send_reported() {
  for (size_t other = 0; other < received_.size(); ++other) {
    if (other != rank_) send(other, {kReported, 1, {}});
  }
}

bool PeerStatus::is_reported() {
  receive();
  return is_reported_;
}

std::vector<RankStatus> PeerStatus::statuses(const Operation& operation, bool device_arrived) const {
  std::vector<RankStatus> all;
  for (size_t other = 0; other < received_.size(); ++other) {
    const Message& message = received_[other].message;
    if (other == rank_) {
      all.push_back({true, operation.sequence, operation.name, device_arrived, hosts_[other]});
    } else {
      all.push_back({has_answered(received_[other], operation), message.sequence, message.operation.data(),
                     message.device_arrived != 0, hosts_[other]});
    }
  }
  return all;
}

// During this wait; or for this operation before this rank began to wait.
bool PeerStatus::has_answered(const Received& received, const Operation& operation) {
  return received.message.sequence == operation.sequence ||
         (received.message.sequence != 0 && received.at >= operation.awaited);
}

// Ranks of one host have one name; hosts with the same name (such as localhost) are numbered.
void PeerStatus::exchange_hosts(int host_leader) {
  struct Place {
    int leader = 0;
    std::array<char, 256> name{};
  } own;
  own.leader = host_leader;
  std::snprintf(own.name.data(), own.name.size(), "%s", host_name().c_str());
  std::vector<Place> all(received_.size());
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

void PeerStatus::post_receive() {
  check_mpi(MPI_Irecv(&incoming_, sizeof incoming_, MPI_BYTE, MPI_ANY_SOURCE, 0, comm_, &receiving_),
            "MPI_Irecv");
}

void PeerStatus::receive() {
  for (;;) {
    int done = 0;
    MPI_Status status;
    check_mpi(MPI_Test(&receiving_, &done, &status), "MPI_Test");
    if (done == 0) break;
    incoming_.operation.back() = '\0';
    const RunningClock::Time now = running_clock().now();
    if (incoming_.sequence == kReported) {
      is_reported_ = true;
    } else if (incoming_.sequence == kHeartbeat) {
      last_heartbeat_ = now;
    } else {
      received_.at(static_cast<size_t>(status.MPI_SOURCE)) = {incoming_, now, true};
    }
    post_receive();
  }
  sendings_.remove_if([](Sending& sending) {
    int done = 0;
    MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE);
    return done != 0;
  });
}

void PeerStatus::send(size_t other, const Message& message) {
  Sending& sending = sendings_.emplace_back();
  sending.message = message;
  check_mpi(MPI_Isend(&sending.message, sizeof sending.message, MPI_BYTE, static_cast<int>(other), 0, comm_,
                      &sending.request),
            "MPI_Isend");
}

}  // namespace charrnn
