// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_writer.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

#include "core/hash.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

// What stands behind the last block. Each piece of an epoch takes at most 40 bytes of it.
constexpr std::uint64_t kEndBytes = 4096;
constexpr std::uint64_t kBytesPerPiece = 40;
constexpr std::uint64_t kBlockHeadBytes = 12;
constexpr std::size_t kSmallBlock = 16 * 1024;  // the last blocks of a full file are not smaller

core::Error file_error(const std::string& what, const fs::path& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(full ? Errc::kLimit : Errc::kIo,
              what + " " + path.string() + ": " + std::strerror(error) +
                  (full ? "; the files that are there are good: go "
                          "on with another stick, or --max-bytes"
                        : ""));
}

Result<void> write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return file_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

// Syncs, closes, and gives it its own name.
Result<void> put_in_place(int fd, const fs::path& unfinished, const fs::path& path) {
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  const int not_closed = ::close(fd) == 0 ? 0 : errno;
  if (failed != 0 || not_closed != 0)
    return file_error("cannot sync", unfinished, failed != 0 ? failed : not_closed);
  if (::rename(unfinished.c_str(), path.c_str()) != 0)
    return file_error("cannot rename", unfinished, errno);
  return sync_directory(path.parent_path());
}

}  // namespace

Result<void> sync_directory(const fs::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("cannot open the folder", folder, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0 && failed != EINVAL) return file_error("cannot sync the folder", folder, failed);
  return {};
}

Result<void> write_file_durably(const fs::path& path, std::string_view content) {
  const fs::path unfinished = path.string() + ".tmp";
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return file_error("cannot create", unfinished, errno);
  if (auto written = write_all(fd, content, unfinished); !written) {
    ::close(fd);
    ::unlink(unfinished.c_str());
    return written;
  }
  return put_in_place(fd, unfinished, path);
}

void BundleWriter::FreeContext::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

BundleWriter::BundleWriter(const fs::path& folder, BundleHeader header, const core::SigningKey& key,
                           const Limits& limits)
    : folder_(folder),
      header_(std::move(header)),
      key_(key),
      limits_(limits),
      tally_(header_),
      zstd_(ZSTD_createCCtx()) {
  header_.key = key.public_key();
  ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, limits.level);
}

Result<std::unique_ptr<BundleWriter>> BundleWriter::create(const fs::path& folder,
                                                           BundleHeader header,
                                                           const core::SigningKey& key,
                                                           const Limits& limits) {
  std::unique_ptr<BundleWriter> writer(new BundleWriter(folder, std::move(header), key, limits));
  writer->unfinished_ = folder / (bundle_name(writer->header_, core::Epoch{}) + ".tmp");
  writer->fd_ = ::open(writer->unfinished_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (writer->fd_ < 0) return file_error("cannot create", writer->unfinished_, errno);
  const std::string header_bytes = encode_header(writer->header_);
  std::string head(kBundleMagic);
  append_u32(head, kBundleFormat);
  append_u32(head, static_cast<std::uint32_t>(header_bytes.size()));
  head += header_bytes;
  SLUICE_TRY(writer->write(head));
  return writer;
}

BundleWriter::~BundleWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(unfinished_.c_str());
}

Result<void> BundleWriter::write(std::string_view bytes) {
  digest_.add(bytes);
  written_ += bytes.size();
  return write_all(fd_, bytes, unfinished_);
}

Result<bool> BundleWriter::add(const Item& item) {
  const std::size_t record = kRecordHeadBytes + item.body.size();
  const std::uint64_t end =
      kEndBytes + kBytesPerPiece * static_cast<std::uint64_t>(tally_.sums().pieces.size());
  const auto fits = [&] {
    return written_ + ZSTD_compressBound(block_.size() + record) + kBlockHeadBytes + end <=
           limits_.bytes_max;
  };
  if (block_.size() + record > kBlockBytes) SLUICE_TRY(flush_block());
  if (!fits() && block_.size() >= kSmallBlock) SLUICE_TRY(flush_block());
  if (!fits()) return false;
  const auto counted = tally_.add(item.body, item.clock_ns);
  if (!counted) return counted.error();
  append_u32(block_, static_cast<std::uint32_t>(item.body.size()));
  append_i64(block_, item.clock_ns);
  block_ += item.body;
  return true;
}

Result<void> BundleWriter::flush_block() {
  if (block_.empty()) return {};
  packed_.resize(ZSTD_compressBound(block_.size()));
  const std::size_t size =
      ZSTD_compress2(zstd_.get(), packed_.data(), packed_.size(), block_.data(), block_.size());
  if (ZSTD_isError(size) != 0)
    return fail(Errc::kInternal, std::string("zstd: ") + ZSTD_getErrorName(size));
  std::string head;
  append_u32(head, static_cast<std::uint32_t>(size));
  append_u32(head, static_cast<std::uint32_t>(block_.size()));
  append_u32(head, core::crc32c(block_));
  SLUICE_TRY(write(head));
  SLUICE_TRY(write(std::string_view(packed_).substr(0, size)));
  tally_.block();
  block_.clear();
  return {};
}

Result<BundleWriter::Finished> BundleWriter::finish() {
  SLUICE_TRY(flush_block());
  const std::string trailer = encode_trailer(tally_.sums());
  std::string end;
  append_u32(end, 0);
  append_u32(end, static_cast<std::uint32_t>(trailer.size()));
  end += trailer;
  SLUICE_TRY(write(end));
  const auto signature = key_.sign(kBundlePurpose, digest_.take());
  const std::string_view raw(reinterpret_cast<const char*>(signature.data()), signature.size());
  SLUICE_TRY(write_all(fd_, raw, unfinished_));
  written_ += raw.size();
  const fs::path path = folder_ / bundle_name(header_, tally_.sums().pieces.front().epoch);
  SLUICE_TRY(put_in_place(std::exchange(fd_, -1), unfinished_, path));
  return Finished{path, tally_.sums(), written_};
}

}  // namespace sluice::sync
