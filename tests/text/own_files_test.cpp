#include "charrnn/text/source/own_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kManifest =
    R"({"format": "charrnn corpus", "splits": [{"name": "train", "shards": [{"file": "train-00000.h5"}]}]})";
constexpr const char* kMetrics = R"({"kind":"train","step":1,"epoch":0.1,"characters":5,"seconds":1})";

// A folder of texts in which charrnn wrote corpora and runs.
class OwnFilesOf : public testing::Test {
 protected:
  OwnFilesOf() {
    folder_.write("text.txt", "text");
    for (const char* corpus : {"corpus/", "other/"}) {
      folder_.write(corpus + std::string("manifest.json"), kManifest);
      folder_.write(corpus + std::string("vocabulary.json"), "{}");
      folder_.write(corpus + std::string("train-00000.h5"), "");
    }
    folder_.write("other/notes.txt", "by the user");
    for (const char* run : {"run/", "run2/"}) {
      folder_.write(run + std::string("metrics.jsonl"), std::string(kMetrics) + "\n");
      folder_.write(run + std::string("samples.txt"), "the the");
      folder_.write(run + std::string("checkpoints/step-000000001.safetensors"), "");
      folder_.write(run + std::string("notes.txt"), "by the user");
    }
    folder_.write("corpus.tmp-host-1/standard-input.zst", "of a build that was killed");
    // A run that has just begun, and a vocabulary that was copied.
    for (const char* place : {"begun/", "kept/"}) {
      folder_.write(place + std::string("vocabulary.json"),
                    R"({"format_version": 1, "unit": "byte", "hash": "", "characters": []})");
    }
    folder_.write("begun/config.yaml", "corpus:");
    fs::create_directory(folder_ / "begun/checkpoints");
    folder_.write("mine/manifest.json", R"({"name": "an app"})");
    folder_.write("mine/metrics.jsonl", R"({"kind": "of the user"})");
    folder_.write("mine/vocabulary.json", "[]");
    settings_.output = (folder_ / "corpus").string();
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  FoundSources find(const std::string& source) {
    settings_.sources = {source};
    return find_sources(settings_, folder_.path(), folder_ / "run");
  }
  std::vector<std::string> names(const std::string& source) {
    std::vector<std::string> all;
    for (const Source& found : find(source).sources) all.push_back(found.name);
    return all;
  }

  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(OwnFilesOf, FoldersAndGlobsAreLeftOut) {
  const auto users = ElementsAre("mine/manifest.json", "mine/metrics.jsonl", "mine/vocabulary.json",
                                 "other/notes.txt", "run/notes.txt", "run2/notes.txt", "text.txt");
  EXPECT_THAT(names(folder_.path().string()), users);
  EXPECT_THAT(names(at("*")), users);
  EXPECT_THAT(names(at("**/*")), users);
  const std::string list = folder_.write("mine/.list", at("*") + "\n").string();
  EXPECT_THAT(names("@" + list), users);
  std::vector<std::string> left_out;
  for (const OwnFilesFound& own : find(at("*")).own_files) {
    left_out.push_back(fs::path(own.folder).filename().string() + ": " + own.what + " " +
                       std::to_string(own.files.size()));
  }
  EXPECT_THAT(left_out,
              ElementsAre("begun: a run 2", "corpus: corpus.output 3", "corpus.tmp-host-1: corpus.output 1",
                          "kept: a vocabulary 1", "other: a corpus 3", "run: run.output 3", "run2: a run 3"));
}

TEST_F(OwnFilesOf, LinksDoNotHideThem) {
  fs::create_directory(folder_ / "links");
  fs::create_symlink(at("corpus/vocabulary.json"), at("links/a.json"));
  fs::create_symlink(at("run/samples.txt"), at("links/b.txt"));
  fs::create_symlink(at("text.txt"), at("links/c.txt"));
  EXPECT_THAT(names(at("links")), ElementsAre("c.txt"));
  EXPECT_THAT(names(at("links/*")), ElementsAre("c.txt"));
  fs::create_directory_symlink(at("corpus"), at("links/folder"));
  settings_.output = at("links/folder");
  EXPECT_THAT(names(at("cor*/*")), IsEmpty());
}

TEST_F(OwnFilesOf, OutputsThatAnEntryNamesAreRefused) {
  for (const char* output : {"corpus", "corpus/", "corpus/vocabulary.json", "mine/../corpus/manifest.json"}) {
    EXPECT_THAT(usage_error_of([&] { find(at(output)); }),
                AllOf(HasSubstr("is in corpus.output"), HasSubstr("which charrnn writes itself")));
  }
  fs::create_symlink(at("corpus/vocabulary.json"), at("link.json"));
  EXPECT_THAT(usage_error_of([&] { find(at("link.json")); }), HasSubstr("is in corpus.output"));
  EXPECT_THAT(usage_error_of([&] { find(at("run/samples.txt")); }), HasSubstr("is in run.output"));
  const fs::path before = fs::current_path();
  fs::current_path(folder_ / "mine");
  EXPECT_THAT(usage_error_of([&] { find("../run/samples.txt"); }), HasSubstr("is in run.output"));
  fs::current_path(before);
  EXPECT_THAT(names(at("run")), ElementsAre("notes.txt"));
  EXPECT_THAT(names(at("run2/samples.txt")), ElementsAre("samples.txt"));  // of another run: meant so
}

}  // namespace
}  // namespace charrnn
