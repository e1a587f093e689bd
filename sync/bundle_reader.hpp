// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "sync/bundle_format.hpp"

namespace sluice::sync {

// Reads one bundle file from its beginning. Nothing that it says is to be believed before
// verify_bundle() has seen its end.
//
// Errors name the file. kCorrupt: no bundle, torn, or altered; kUnsupported: a newer format; kIo.
class BundleReader {
 public:
  static core::Result<std::unique_ptr<BundleReader>> open(const std::filesystem::path& path);

  const BundleHeader& header() const { return header_; }
  // Unpacks the next block into `plain`. False: there is none; the trailer was read.
  core::Result<bool> next_block(std::string& plain);
  std::string block_digest() const;  // of the block that was read last, as it was unpacked

  // After the last block: what the file says of itself, and whether its own key signed it.
  core::Result<BundleTrailer> end();
  std::uint64_t bytes_read() const { return read_; }
  std::uint64_t file_bytes() const { return size_; }

  // Takes the block's records apart. kCorrupt.
  using TakeBody = std::function<core::Result<void>(std::string body, std::int64_t clock_ns)>;
  core::Result<void> records(std::string_view plain, const TakeBody& take) const;

 private:
  explicit BundleReader(std::filesystem::path path) : path_(std::move(path)) {}
  core::Result<std::string> take(std::size_t size);
  core::Result<std::uint32_t> take_u32();
  core::Error torn() const;
  core::Error altered(const std::string& how) const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  BundleHeader header_;
  core::Digest digest_;
  std::string packed_;
  std::string block_digest_;
  std::uint64_t read_ = 0;
  std::uint64_t size_ = 0;
  bool at_end_ = false;
};

// A file that was read to its end and agrees with itself and with its signature. Whether its key is
// one to be trusted is the caller's question.
struct VerifiedBundle {
  std::filesystem::path path;
  BundleHeader header;
  BundleTrailer trailer;
  std::vector<std::string> blocks;  // their digests: what is read later must be the same
  std::uint64_t file_bytes = 0;
};
using BytesSeen = std::function<void(std::uint64_t bytes)>;
core::Result<VerifiedBundle> verify_bundle(const std::filesystem::path& path,
                                           const BytesSeen& seen = {});

// The items of a verified file from seq `from` on. kCorrupt: it is no longer what was verified.
core::Result<void> read_items(const VerifiedBundle& bundle, core::Seq from,
                              const std::function<core::Result<void>(Item item)>& take);

}  // namespace sluice::sync
