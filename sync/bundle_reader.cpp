// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_reader.hpp"

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

core::Error with_file(const core::Error& error, const fs::path& path) {
  core::Error out = error;
  out.message = path.string() + ": " + out.message;
  return out;
}

std::string digest_of(std::string_view bytes) {
  core::Digest digest;
  digest.add(bytes);
  return digest.take();
}

}  // namespace

core::Error BundleReader::torn() const {
  return fail(Errc::kCorrupt, path_.string() + ": torn: it ends after " + std::to_string(read_) +
                                  " bytes, before its own end; export it again");
}

core::Error BundleReader::altered(const std::string& how) const {
  return fail(Errc::kCorrupt, path_.string() + ": damaged or altered: " + how +
                                  "; nothing of it was used; export it again");
}

Result<std::string> BundleReader::take(std::size_t size) {
  if (size > size_ - read_) return torn();  // before a promise of the file costs memory
  std::string out(size, '\0');
  if (std::fread(out.data(), 1, size, file_.get()) != size) {
    if (std::ferror(file_.get()) != 0)
      return fail(Errc::kIo, "cannot read " + path_.string() + ": " + std::strerror(errno));
    return torn();
  }
  read_ += size;
  return out;
}

Result<std::uint32_t> BundleReader::take_u32() {
  const auto bytes = take(4);
  if (!bytes) return bytes.error();
  digest_.add(*bytes);
  return read_u32(*bytes);
}

Result<std::unique_ptr<BundleReader>> BundleReader::open(const fs::path& path) {
  std::unique_ptr<BundleReader> reader(new BundleReader(path));
  std::error_code unknown;
  reader->size_ = fs::file_size(path, unknown);
  reader->file_.reset(std::fopen(path.c_str(), "rbe"));
  if (unknown || !reader->file_)
    return fail(Errc::kIo, "cannot open " + path.string() + ": " +
                               (unknown ? unknown.message() : std::strerror(errno)));
  if (reader->size_ < kBundleMagic.size()) return reader->torn();
  const auto magic = reader->take(kBundleMagic.size());
  if (!magic) return magic.error();
  if (*magic != kBundleMagic) return fail(Errc::kCorrupt, path.string() + ": this is no bundle");
  reader->digest_.add(*magic);
  const auto format = reader->take_u32();
  if (!format) return format.error();
  if (*format != kBundleFormat)
    return fail(Errc::kUnsupported, path.string() + ": its format is " + std::to_string(*format) +
                                        ", this program knows " + std::to_string(kBundleFormat) +
                                        ": use a newer sluice");
  const auto size = reader->take_u32();
  if (!size) return size.error();
  if (*size > kHeaderBytesMax) return reader->altered("its header cannot be that long");
  const auto bytes = reader->take(*size);
  if (!bytes) return bytes.error();
  reader->digest_.add(*bytes);
  auto header = decode_header(*bytes);
  if (!header) return reader->altered(header.error().message);
  reader->header_ = std::move(*header);
  return reader;
}

Result<bool> BundleReader::next_block(std::string& plain) {
  const auto packed_size = take_u32();
  if (!packed_size) return packed_size.error();
  if (*packed_size == 0) {
    at_end_ = true;
    return false;
  }
  const auto size = take_u32();
  if (!size) return size.error();
  const auto crc = take_u32();
  if (!crc) return crc.error();
  if (*packed_size > kPackedBytesMax || *size > kBlockBytesMax || *size == 0)
    return altered("a block cannot be that long");
  auto packed = take(*packed_size);
  if (!packed) return packed.error();
  digest_.add(*packed);
  plain.resize(*size);
  const std::size_t got =
      ZSTD_decompress(plain.data(), plain.size(), packed->data(), packed->size());
  if (ZSTD_isError(got) != 0 || got != plain.size()) return altered("a block does not unpack");
  if (core::crc32c(plain) != *crc) return altered("a block does not match its checksum");
  block_digest_ = digest_of(plain);
  return true;
}

std::string BundleReader::block_digest() const {
  return block_digest_;
}

Result<BundleTrailer> BundleReader::end() {
  const auto size = take_u32();
  if (!size) return size.error();
  if (*size > kTrailerBytesMax) return altered("its trailer cannot be that long");
  const auto bytes = take(*size);
  if (!bytes) return bytes.error();
  digest_.add(*bytes);
  auto trailer = decode_trailer(*bytes);
  if (!trailer) return altered(trailer.error().message);
  core::Signature signature{};
  const auto raw = take(signature.size());
  if (!raw) return raw.error();
  std::memcpy(signature.data(), raw->data(), signature.size());
  if (read_ != size_) return altered("there is more behind its end");
  if (!core::verify(header_.key, kBundlePurpose, digest_.take(), signature))
    return altered("its signature does not fit");
  return trailer;
}

Result<void> BundleReader::records(std::string_view plain, const TakeBody& take_body) const {
  while (!plain.empty()) {
    if (plain.size() < kRecordHeadBytes) return altered("a record is cut off");
    const std::uint32_t size = read_u32(plain);
    const std::int64_t clock_ns = read_i64(plain.substr(4));
    plain.remove_prefix(kRecordHeadBytes);
    if (size > plain.size()) return altered("a record is cut off");
    std::string body(plain.substr(0, size));
    plain.remove_prefix(size);
    SLUICE_TRY(take_body(std::move(body), clock_ns));
  }
  return {};
}

Result<VerifiedBundle> verify_bundle(const fs::path& path, const BytesSeen& seen) {
  auto reader = BundleReader::open(path);
  if (!reader) return reader.error();
  VerifiedBundle out;
  out.path = path;
  out.header = (*reader)->header();
  out.file_bytes = (*reader)->file_bytes();
  BundleTally tally(out.header);
  std::string plain;
  for (;;) {
    const auto more = (*reader)->next_block(plain);
    if (!more) return more.error();
    if (!*more) break;
    out.blocks.push_back((*reader)->block_digest());
    const auto taken =
        (*reader)->records(plain, [&](std::string body, std::int64_t clock_ns) -> Result<void> {
          const auto item = tally.add(std::move(body), clock_ns);
          if (!item) return with_file(item.error(), path);
          return {};
        });
    if (!taken) return taken.error();
    tally.block();
    if (seen) seen((*reader)->bytes_read());
  }
  auto trailer = (*reader)->end();
  if (!trailer) return trailer.error();
  if (*trailer != tally.sums())
    return fail(Errc::kCorrupt, path.string() +
                                    ": damaged or altered: its trailer does not say "
                                    "what the file holds");
  if (trailer->pieces.empty()) return fail(Errc::kCorrupt, path.string() + ": it holds nothing");
  out.trailer = std::move(*trailer);
  return out;
}

Result<void> read_items(const VerifiedBundle& bundle, core::Seq from,
                        const std::function<Result<void>(Item item)>& take) {
  auto reader = BundleReader::open(bundle.path);
  if (!reader) return reader.error();
  BundleTally tally(bundle.header);
  std::string plain;
  for (const std::string& digest : bundle.blocks) {
    const auto more = (*reader)->next_block(plain);
    if (!more) return more.error();
    if (!*more || (*reader)->block_digest() != digest)
      return fail(Errc::kCorrupt, bundle.path.string() +
                                      ": it changed since it was verified: is "
                                      "the stick failing?");
    SLUICE_TRY(
        (*reader)->records(plain, [&](std::string body, std::int64_t clock_ns) -> Result<void> {
          auto item = tally.add(std::move(body), clock_ns);
          if (!item) return with_file(item.error(), bundle.path);
          if (item->to < from) return {};
          return take(std::move(*item));
        }));
  }
  return {};
}

}  // namespace sluice::sync
