// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"

// What of a program's file operations a power cut leaves behind.
namespace sluice::lab {

using FileId = std::uint32_t;
inline constexpr FileId kFolder = UINT32_MAX;  // as a name's target: a folder

// One operation that changes what is on the disk, or makes a change durable. Paths are relative to
// the recorded folder; "" is that folder itself.
struct DiskOp {
  enum class Kind { kWrite, kTruncate, kSyncFile, kLink, kUnlink, kRename, kSyncFolder };
  Kind kind = Kind::kWrite;
  FileId file = 0;       // kWrite, kTruncate, kSyncFile; kLink: what the name stands for
  std::string path;      // kLink, kUnlink, kRename: the name; kSyncFolder: the folder
  std::string to;        // kRename
  std::uint64_t at = 0;  // kWrite; kTruncate: the new size
  std::string bytes;     // kWrite
};

using Content = std::shared_ptr<const std::string>;
// Files and folders as a program that starts now would find them. A folder has no content.
using Tree = std::map<std::string, Content>;

// The strict reading of POSIX: bytes are durable once their file was synced, names once their
// folder was. All else may be there or not, each change by itself and each 512-byte sector of a
// write by itself. (Journaling file systems keep more order than this.)
class DiskModel {
 public:
  DiskModel() = default;
  explicit DiskModel(
      const Tree& durable);  // files get the ids 0, 1 ... in the order of their names

  // The next operation took place. `op` must live as long as the model.
  void apply(const DiskOp& op);

  std::size_t pending() const { return pending_.size(); }  // changes that a cut may undo

  // The disk after a cut at this moment. `none` and `all` are about the pending changes; `some`
  // takes a choice of them, of writes perhaps only some sectors. `choice` tells choices apart:
  // equal numbers, equal disks.
  Tree none() const;
  Tree all() const;
  Tree some(core::Random& random, std::uint64_t& choice) const;

 private:
  struct Kept {
    const DiskOp* op = nullptr;
    std::vector<bool> sectors;  // of a torn write: which are there; empty: all
  };
  Tree with(const std::vector<Kept>& kept) const;
  Content& content(FileId file);

  std::vector<Content> files_;           // durable bytes, by id
  std::map<std::string, FileId> names_;  // durable names
  std::vector<const DiskOp*> pending_;   // oldest first
};

}  // namespace sluice::lab
