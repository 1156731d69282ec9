#include "charrnn/corpus/copy_finder.h"

#include <oneapi/tbb/parallel_sort.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/ordered_pipeline.h"

namespace charrnn {
namespace {

constexpr double kNear = 0.6;      // least likeness of documents that are nearly equal
constexpr size_t kKeys = 6;        // passages by which a document is looked up
constexpr size_t kMostApart = 16;  // documents with the same key that are not copies of one another

uint64_t number_of(const Hasher& hasher) {
  return std::stoull(hasher.hex().substr(0, 16), nullptr, 16);
}

bool lies_as_a_whole(const CleanBlock& clean, const DocumentPart& part) {
  return part.line > 0 || (clean.block.first && clean.block.last);
}

// Sets of documents, each represented by its first.
class Groups {
 public:
  explicit Groups(size_t documents) : first_(documents) {
    std::iota(first_.begin(), first_.end(), uint32_t{0});
  }

  uint32_t first_of(uint32_t document) {
    while (first_[document] != document) document = first_[document] = first_[first_[document]];
    return document;
  }
  void join(uint32_t a, uint32_t b) {
    a = first_of(a);
    b = first_of(b);
    first_[std::max(a, b)] = std::min(a, b);
  }
  std::vector<uint32_t> take() {
    for (uint32_t d = 0; d < first_.size(); ++d) first_[d] = first_of(d);
    return std::move(first_);
  }

 private:
  std::vector<uint32_t> first_;
};

// Calls visit(begin, end) for each run of entries with the same key.
template <class Entry, class Key, class Visit>
void for_each_run(const std::vector<Entry>& sorted, Key key, Visit visit) {
  for (size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    for (end = begin + 1; end < sorted.size() && key(sorted[end]) == key(sorted[begin]);) ++end;
    if (end > begin + 1) visit(begin, end);
  }
}

void join_equal(const std::vector<uint64_t>& hashes, const std::vector<DocumentLength>& documents,
                Groups& groups) {
  std::vector<std::pair<uint64_t, uint32_t>> sorted;
  for (uint32_t d = 0; d < documents.size(); ++d) {
    if (documents[d].characters > 0) sorted.emplace_back(hashes[d], d);
  }
  oneapi::tbb::parallel_sort(sorted);
  const auto hash = [](const auto& entry) { return entry.first; };
  for_each_run(sorted, hash, [&](size_t begin, size_t end) {
    for (size_t i = begin + 1; i < end; ++i) groups.join(sorted[begin].second, sorted[i].second);
  });
}

// Nearly equal documents share some of their first passages: in one pair of 250 all six differ. Of equal
// documents only the first is compared.
void join_nearly_equal(const std::vector<Fingerprint::Passages>& passages,
                       const std::vector<DocumentLength>& documents, Groups& groups) {
  std::vector<uint64_t> keys;  // upper half: a passage, lower half: the document
  for (uint32_t d = 0; d < passages.size(); ++d) {
    if (documents[d].characters == 0 || groups.first_of(d) != d) continue;
    size_t used = 0;
    for (size_t bin = 0; bin < Fingerprint::kBins && used < kKeys; ++bin) {
      if (passages[d][bin] == 0) continue;
      keys.push_back(uint64_t{passages[d][bin]} << 32 | d);
      ++used;
    }
  }
  oneapi::tbb::parallel_sort(keys);
  const auto passage = [](uint64_t key) { return key >> 32; };
  std::vector<uint32_t> apart;  // that are not copies of one another
  for_each_run(keys, passage, [&](size_t begin, size_t end) {
    apart.clear();
    for (size_t i = begin; i < end; ++i) {
      const auto d = static_cast<uint32_t>(keys[i]);
      const bool is_copy = std::any_of(apart.begin(), apart.end(), [&](uint32_t other) {
        const bool near =
            groups.first_of(other) == groups.first_of(d) || likeness(passages[other], passages[d]) >= kNear;
        if (near) groups.join(other, d);
        return near;
      });
      if (!is_copy && apart.size() < kMostApart) apart.push_back(d);
    }
  });
}

}  // namespace

void BlockPrints::make(const CleanBlock& clean) {
  documents.clear();
  part = Fingerprint();
  std::string_view text = clean.block.text;
  for (const DocumentPart& found : clean.parts) {
    const std::string_view of_part = text.substr(0, found.bytes);
    text.remove_prefix(found.bytes);
    if (!lies_as_a_whole(clean, found)) {
      part.add(of_part);
      continue;
    }
    Fingerprint fingerprint;
    fingerprint.add(of_part);
    documents.push_back({hash_number(of_part), fingerprint.passages()});
  }
}

void CopyFinder::add(const CleanBlock& clean, const BlockPrints& prints) {
  auto whole = prints.documents.begin();
  for (const DocumentPart& part : clean.parts) {
    if (part.begins) finish_document();
    if (lies_as_a_whole(clean, part)) {
      add_document(*whole++);
      continue;
    }
    if (part.begins) {
      is_open_ = true;
      fingerprint_ = Fingerprint();
      hasher_ = Hasher();
    }
    fingerprint_.append(prints.part, clean.block.text);
    hasher_.add(clean.block.text);
  }
}

void CopyFinder::finish_document() {
  if (!std::exchange(is_open_, false)) return;
  add_document({number_of(hasher_), fingerprint_.passages()});
}

void CopyFinder::add_document(const BlockPrints::Document& document) {
  hashes_.push_back(document.hash);
  if (passages_.size() < kMostCompared) passages_.push_back(document.passages);
}

std::vector<uint32_t> CopyFinder::groups(const std::vector<DocumentLength>& documents, int threads) {
  finish_document();
  check(hashes_.size() == documents.size(), "searched for copies in ", hashes_.size(), " of ",
        documents.size(), " documents");
  Groups groups(documents.size());
  on_threads(threads, [&] {
    join_equal(hashes_, documents, groups);
    join_nearly_equal(passages_, documents, groups);
  });
  return groups.take();
}

}  // namespace charrnn
