// What all files that call MPI share. Includes mpi.h, so only files of the MPI backend include it.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <deque>
#include <span>

#include "charrnn/core/error.h"

namespace charrnn {

// Long buffers go in pieces that the cache holds: 100 MB between two ranks of a host took 30 ms with this
// size, 45 ms with 8 MiB, 96 ms with 16 MiB (OpenMPI 4.1.4, non-blocking). And an MPI count is an int.
inline constexpr size_t kPieceBytes = 2u << 20;

// The one place where MPI's return codes become Error.
inline void check_mpi(int code, const char* operation) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(concat("MPI failed in ", operation, ": ", text,
                     ". A rank or the network was lost; start again from the "
                     "last checkpoint"),
              ErrorKind::kLost);
}

template <class T>
int count_of(std::span<T> piece) {
  return static_cast<int>(piece.size());  // a piece has at most kPieceBytes elements
}

template <class T>
std::deque<std::span<T>> pieces_of(std::span<T> all) {
  constexpr size_t kElements = kPieceBytes / sizeof(T);
  std::deque<std::span<T>> pieces;
  for (size_t done = 0; done < all.size(); done += kElements) {
    pieces.push_back(all.subspan(done, std::min(kElements, all.size() - done)));
  }
  return pieces;
}

}  // namespace charrnn
