// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>

#include "tests/lab/replay/disk_model.hpp"

namespace sluice::lab {
namespace {

using Kind = DiskOp::Kind;

DiskOp link(FileId file, std::string path) {
  DiskOp op;
  op.kind = Kind::kLink;
  op.file = file;
  op.path = std::move(path);
  return op;
}
DiskOp write(FileId file, std::uint64_t at, std::string bytes) {
  DiskOp op;
  op.file = file;
  op.at = at;
  op.bytes = std::move(bytes);
  return op;
}
DiskOp sync_file(FileId file) {
  DiskOp op;
  op.kind = Kind::kSyncFile;
  op.file = file;
  return op;
}
DiskOp sync_folder(std::string path = "") {
  DiskOp op;
  op.kind = Kind::kSyncFolder;
  op.path = std::move(path);
  return op;
}
DiskOp rename(FileId file, std::string from, std::string to) {
  DiskOp op;
  op.kind = Kind::kRename;
  op.file = file;
  op.path = std::move(from);
  op.to = std::move(to);
  return op;
}

DiskModel after(const std::deque<DiskOp>& ops) {
  DiskModel disk;
  for (const DiskOp& op : ops) disk.apply(op);
  return disk;
}

TEST(DiskModel, ANameIsThereAfterItsFolderWasSynced) {
  const std::deque<DiskOp> ops{link(0, "a"), write(0, 0, "x"), sync_file(0)};
  EXPECT_TRUE(after(ops).none().empty());
  const std::deque<DiskOp> synced{link(0, "a"), write(0, 0, "x"), sync_file(0), sync_folder()};
  EXPECT_EQ(*after(synced).none().at("a"), "x");
}

TEST(DiskModel, BytesAreThereAfterTheirFileWasSynced) {
  const std::deque<DiskOp> ops{link(0, "a"), sync_folder(), write(0, 0, "x"), sync_file(0),
                               write(0, 1, "y")};
  const DiskModel disk = after(ops);
  EXPECT_EQ(*disk.none().at("a"), "x");
  EXPECT_EQ(*disk.all().at("a"), "xy");
}

TEST(DiskModel, AFolderThatIsNotThereTakesItsFilesWithIt) {
  const std::deque<DiskOp> ops{link(kFolder, "d"), link(0, "d/a"), sync_folder("d")};
  EXPECT_TRUE(after(ops).none().empty());
}

TEST(DiskModel, ARenameKeepsTheFile) {
  const std::deque<DiskOp> ops{link(0, "a"), write(0, 0, "x"), sync_file(0), sync_folder(),
                               rename(0, "a", "b")};
  const DiskModel disk = after(ops);
  EXPECT_TRUE(disk.none().contains("a"));
  EXPECT_EQ(*disk.all().at("b"), "x");
  EXPECT_FALSE(disk.all().contains("a"));
}

TEST(DiskModel, AChoiceCanTearAWriteBetweenSectors) {
  const std::deque<DiskOp> ops{link(0, "a"), sync_folder(), write(0, 0, std::string(2048, 'x'))};
  const DiskModel disk = after(ops);
  bool torn = false;
  for (std::uint64_t seed = 0; seed < 100 && !torn; ++seed) {
    core::SeededRandom random(seed);
    std::uint64_t choice = 0;
    const Tree tree = disk.some(random, choice);
    const std::string& bytes = *tree.at("a");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      EXPECT_EQ(bytes[at], bytes[at / 512 * 512]);  // never within one
      torn = torn || (at > 0 && bytes[at] != bytes[0]);
    }
  }
  EXPECT_TRUE(torn);
}

}  // namespace
}  // namespace sluice::lab
