// Processes a stream of items on several threads, in order: items are read one after another, worked on in
// parallel, placed one after another in the order of reading, and finished in parallel. Only a few exist at a
// time and are used again, so memory is bounded. An exception in any step ends all and is thrown to the
// caller.
#pragma once

#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include <vector>

#include "charrnn/core/error.h"

namespace charrnn {

// Runs call() with `threads` threads, even if there are fewer cores.
template <class Call>
void on_threads(int threads, Call call) {
  namespace tbb = oneapi::tbb;
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(threads));
  tbb::task_arena(threads).execute(call);
}

// bool read(Item&): false at the end. void work(Item&), void place(Item&), void finish(Item&): see above.
template <class Item, class Read, class Work, class Place, class Finish>
void run_ordered_pipeline(int threads, Read read, Work work, Place place, Finish finish) {
  namespace tbb = oneapi::tbb;
  const size_t in_flight = 4 * static_cast<size_t>(threads) + 4;
  std::vector<Item> items(in_flight);
  tbb::concurrent_queue<Item*> unused;
  for (Item& item : items) unused.push(&item);

  const auto read_next = tbb::make_filter<void, Item*>(
      tbb::filter_mode::serial_in_order, [&](tbb::flow_control& control) -> Item* {
        Item* item = nullptr;
        check(unused.try_pop(item), "an item in flight was not given back");
        if (!read(*item)) control.stop();
        return item;
      });
  const auto step = [](tbb::filter_mode mode, auto& call) {
    return tbb::make_filter<Item*, Item*>(mode, [&call](Item* item) {
      call(*item);
      return item;
    });
  };
  const auto finish_and_give_back =
      tbb::make_filter<Item*, void>(tbb::filter_mode::parallel, [&](Item* item) {
        finish(*item);
        unused.push(item);
      });
  on_threads(threads, [&] {
    tbb::parallel_pipeline(in_flight, read_next & step(tbb::filter_mode::parallel, work) &
                                          step(tbb::filter_mode::serial_in_order, place) &
                                          finish_and_give_back);
  });
}

// Runs call(i) for each i below `count`, in parallel, in any order.
template <class Call>
void run_side_by_side(int threads, size_t count, Call call) {
  on_threads(threads, [&] { oneapi::tbb::parallel_for(size_t{0}, count, call); });
}

}  // namespace charrnn
