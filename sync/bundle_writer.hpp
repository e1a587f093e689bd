// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "core/signature.hpp"
#include "sync/bundle_format.hpp"

struct ZSTD_CCtx_s;

namespace sluice::sync {

// Writes one bundle file. Until finish() has returned it has a name that ends in ".tmp"; then it is
// whole, synced, and has its own name. Destroyed before that, it takes the unfinished file away.
class BundleWriter {
 public:
  struct Limits {
    std::uint64_t bytes_max = 256u << 20;  // of the file; at least kBytesMin
    int level = 3;                         // zstd's
  };
  static constexpr std::uint64_t kBytesMin = 128 * 1024;

  struct Finished {
    std::filesystem::path path;
    BundleTrailer trailer;
    std::uint64_t file_bytes = 0;
  };

  // `header.key` is set from `key`, which must outlive the writer. kIo.
  static core::Result<std::unique_ptr<BundleWriter>> create(const std::filesystem::path& folder,
                                                            BundleHeader header,
                                                            const core::SigningKey& key,
                                                            const Limits& limits);
  ~BundleWriter();
  BundleWriter(const BundleWriter&) = delete;
  BundleWriter& operator=(const BundleWriter&) = delete;

  // False: there is no room for it; finish this file, it is the next one's first. kLimit: the disk
  // is full; kIo.
  core::Result<bool> add(const Item& item);
  bool empty() const { return tally_.sums().events + tally_.sums().gaps == 0; }
  core::Result<Finished> finish();  // not while empty()

 private:
  BundleWriter(const std::filesystem::path& folder, BundleHeader header,
               const core::SigningKey& key, const Limits& limits);
  core::Result<void> write(std::string_view bytes);
  core::Result<void> flush_block();
  core::Error os_error(const std::string& what, int error) const;

  std::filesystem::path folder_;
  std::filesystem::path unfinished_;
  BundleHeader header_;
  const core::SigningKey& key_;
  Limits limits_;
  BundleTally tally_;
  core::Digest digest_;
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;
  std::string block_;
  std::string packed_;
  std::uint64_t written_ = 0;
  int fd_ = -1;
};

// Makes a created or renamed entry of the folder durable. Also on FAT. kIo.
core::Result<void> sync_directory(const std::filesystem::path& folder);

// Writes a small file whole or not at all: unfinished name, sync, rename, sync of the folder.
core::Result<void> write_file_durably(const std::filesystem::path& path, std::string_view content);

}  // namespace sluice::sync
