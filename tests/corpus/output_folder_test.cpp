#include "charrnn/corpus/output_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kManifest = R"({"format": "charrnn corpus", "splits": [{"shards": [
  {"file": "train-00000.h5"}, {"file": "train-00001.h5"}]}]})";
constexpr const char* kVocabulary = R"({"format_version": 1, "unit": "code_point", "characters": []})";

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

void fill(const OutputFolder& folder, const std::string& text) {
  std::ofstream(folder.temporary() / "manifest.json") << kManifest << text;
}

TEST(OutputFolder, AppearsWholeAtCommit) {
  const TemporaryFolder parent;
  OutputFolder folder(parent / "deep/corpus/");
  fill(folder, "new");
  EXPECT_FALSE(fs::exists(parent / "deep/corpus"));
  folder.commit();
  EXPECT_THAT(names_in(parent / "deep"), ElementsAre("corpus"));
  EXPECT_EQ(read_file(parent / "deep/corpus/manifest.json"), std::string(kManifest) + "new");
}

TEST(OutputFolder, ReplacesAnOldCorpusOrAnEmptyFolder) {
  const TemporaryFolder parent;
  parent.write("corpus/manifest.json", kManifest);
  parent.write("corpus/vocabulary.json", kVocabulary);
  parent.write("corpus/train-00001.h5", "old");
  fs::create_directory(parent / "empty");
  for (const char* name : {"corpus", "empty"}) {
    OutputFolder folder(parent / name);
    fill(folder, "new");
    folder.commit();
    EXPECT_THAT(names_in(parent / name), ElementsAre("manifest.json"));
    EXPECT_EQ(read_file(parent / name / "manifest.json"), std::string(kManifest) + "new");
  }
  EXPECT_THAT(names_in(parent.path()), UnorderedElementsAre("corpus", "empty"));
}

TEST(OutputFolder, WithoutCommitNothingChanges) {
  const TemporaryFolder parent;
  parent.write("corpus/manifest.json", kManifest);
  {
    OutputFolder folder(parent / "corpus");
    fill(folder, "new");
  }
  EXPECT_THAT(names_in(parent.path()), ElementsAre("corpus"));
  EXPECT_EQ(read_file(parent / "corpus/manifest.json"), kManifest);
}

TEST(OutputFolder, ALinkToAFolderStaysALink) {
  const TemporaryFolder parent;
  fs::create_directory(parent / "big-disk");
  fs::create_directory_symlink("big-disk", parent / "corpus");
  OutputFolder folder(parent / "corpus");
  fill(folder, "new");
  folder.commit();
  EXPECT_TRUE(fs::is_symlink(parent / "corpus"));
  EXPECT_THAT(names_in(parent / "big-disk"), ElementsAre("manifest.json"));
}

TEST(OutputFolder, NeverTouchesWhatIsNotOurs) {
  const TemporaryFolder parent;
  parent.write("file", "text");
  parent.write("homework/thesis.txt", "precious");
  parent.write("half/train-00000.h5", "");
  parent.write("web/manifest.json", R"({"name": "an app"})");
  parent.write("mixed/manifest.json", kManifest);
  parent.write("mixed/notes.txt", "precious");
  const auto refusal = [&](const char* name) {
    return usage_error_of([&] { OutputFolder folder(parent / name); });
  };
  EXPECT_THAT(refusal("file"), HasSubstr("not a folder"));
  EXPECT_THAT(refusal("homework"), AllOf(HasSubstr("holds thesis.txt"), HasSubstr("move this one away")));
  EXPECT_THAT(refusal("half"), HasSubstr("its manifest.json is missing, damaged"));
  EXPECT_THAT(refusal("web"), HasSubstr("its manifest.json is missing, damaged"));
  EXPECT_THAT(refusal("mixed"), HasSubstr("holds notes.txt"));
  // Names alone do not make a file ours.
  parent.write("named/manifest.json", kManifest);
  parent.write("named/train-00003.h5", "by the user");
  EXPECT_THAT(refusal("named"),
              AllOf(HasSubstr("holds train-00003.h5, which its manifest.json does not list"),
                    HasSubstr("set corpus.output")));
  parent.write("words/manifest.json", kManifest);
  parent.write("words/vocabulary.json", R"(["by", "the", "user"])");
  EXPECT_THAT(refusal("words"), HasSubstr("a vocabulary.json that is damaged or was not written by charrnn"));
  fs::create_directories(parent / "nested/train-00000.h5");
  parent.write("nested/manifest.json", kManifest);
  EXPECT_THAT(refusal("nested"), HasSubstr("holds train-00000.h5"));
  EXPECT_EQ(read_file(parent / "homework/thesis.txt"), "precious");
  EXPECT_THAT(refusal("file/corpus"), HasSubstr("cannot create the folder"));
}

TEST(OutputFolder, WhatIsPutThereMeanwhileStays) {
  const TemporaryFolder parent;
  parent.write("corpus/manifest.json", kManifest);
  {
    OutputFolder folder(parent / "corpus");
    fill(folder, "new");
    parent.write("corpus/thesis.txt", "precious");
    EXPECT_THAT(usage_error_of([&] { folder.commit(); }), HasSubstr("holds thesis.txt"));
  }
  EXPECT_EQ(read_file(parent / "corpus/manifest.json"), kManifest);
  EXPECT_EQ(read_file(parent / "corpus/thesis.txt"), "precious");
}

// A killed run leaves its temporary folder. The next run removes it, but not the folder of a run that is
// still alive.
TEST(OutputFolder, RemovesWhatDeadRunsLeft) {
  const TemporaryFolder parent;
  const pid_t child = fork();
  if (child == 0) {
    OutputFolder folder(parent / "corpus");
    fill(folder, "half");
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_EQ(names_in(parent.path()).size(), 1u);
  const std::string left = names_in(parent.path())[0];
  const std::string alive = left.substr(0, left.rfind('-') + 1) + std::to_string(getppid());
  const std::string elsewhere = "corpus.tmp-some.other.host-1";
  fs::create_directory(parent / alive);
  fs::create_directory(parent / elsewhere);
  // By its name from a process that has ended, too, but without our marker: the user's.
  const std::string users = left.substr(0, left.rfind('-') + 1) + "999999999";
  parent.write(users + "/manifest.json", "{}");
  // With a lock the host does not matter, nor whether another process has that id now.
  const std::string killed_elsewhere = "corpus.tmp-some.other.host-2";
  const std::string filling = left.substr(0, left.rfind('-') + 1) + "999999998";
  for (const std::string& name : {killed_elsewhere, filling}) parent.write(name + "/.charrnn-preprocess", "");
  const FileLock lock(parent / (filling + "/.charrnn-preprocess"));
  OutputFolder folder(parent / "corpus");
  EXPECT_THAT(names_in(parent.path()),
              UnorderedElementsAre(alive, elsewhere, users, filling, folder.temporary().filename().string()));
  fill(folder, "whole");
  folder.commit();
  EXPECT_FALSE(fs::exists(parent / "corpus/.charrnn-preprocess"));
}

}  // namespace
}  // namespace charrnn
