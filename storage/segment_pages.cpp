// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_pages.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/hash.hpp"

// The file format of SQLite, as far as a row of `event` is concerned:
// https://sqlite.org/fileformat2
namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

constexpr std::uint64_t kPage = 4096;  // of every segment
constexpr std::size_t kFileHeader = 100;
constexpr std::size_t kWalHeader = 32;
constexpr std::size_t kFrameHeader = 24;
constexpr std::uint32_t kWalMagic = 0x377f0682;  // the last bit: checksums over big-endian words
constexpr unsigned char kTableLeaf = 0x0d;
constexpr std::size_t kLocalMax = kPage - 35;
constexpr std::size_t kLocalMin = (kPage - 12) * 32 / 255 - 23;
constexpr std::size_t kBodyMax = 16u << 20;

std::uint32_t big_endian(const char* bytes, int size = 4) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

bool read_at(int file, std::uint64_t offset, char* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, out + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

std::uint64_t size_of(int file) {
  struct stat info {};
  return file >= 0 && fstat(file, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

// The WAL's running checksum.
struct Sum {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  void add(const char* bytes, std::size_t size, bool big) {
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      a += word(bytes + i, big) + b;
      b += word(bytes + i + 4, big) + a;
    }
  }
  static std::uint32_t word(const char* bytes, bool big) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    const bool is_native = big == (std::endian::native == std::endian::big);
    return is_native ? value : __builtin_bswap32(value);
  }
  bool is(const char* bytes) const { return big_endian(bytes) == a && big_endian(bytes + 4) == b; }
};

// Frames behind the one that fails its checksum, as far as each carries on from the checksum that
// the one before it names. What was written and synced goes on like that over many transactions;
// what a power cut leaves of one that was not synced ends with its only commit. Several cuts can
// leave several of these, one behind the other, but they do not carry on from each other.
class Run {
 public:
  using Frame = std::pair<std::uint32_t, std::uint64_t>;  // page number, offset of the page
  using Frames = std::vector<Frame>;

  void add(const std::string& bytes, Frame frame, bool is_commit, bool big, Frames& found) {
    if (!frames_.empty()) {
      link_.add(bytes.data(), 8, big);
      link_.add(bytes.data() + kFrameHeader, kPage, big);
      if (!link_.is(bytes.data() + 16)) end(found);
    }
    link_ = {big_endian(bytes.data() + 16), big_endian(bytes.data() + 20)};
    frames_.push_back(frame);
    if (!is_commit) return;
    ++commits_;
    whole_ = frames_.size();
  }
  // What counts of it goes to `found`.
  void end(Frames& found) {
    if (commits_ >= 2)
      found.insert(found.end(), frames_.begin(),
                   frames_.begin() + static_cast<std::ptrdiff_t>(whole_));
    *this = {};
  }

 private:
  Sum link_;
  Frames frames_;
  std::size_t whole_ = 0;  // up to the last commit
  int commits_ = 0;
};

// Walks over bytes that may be anything.
class Bytes {
 public:
  Bytes(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  bool varint(std::uint64_t& value) {
    value = 0;
    for (int i = 0; i < 9; ++i) {
      if (at_ >= bytes_.size()) return false;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      if (i == 8) {
        value = (value << 8) | byte;
        return true;
      }
      value = (value << 7) | (byte & 0x7f);
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }
  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::size_t at_;
};

// A row's record: NULL (the seq is the key), a whole number, a blob.
bool split_record(std::string_view record, std::int64_t& crc, std::string_view& body) {
  Bytes header(record, 0);
  std::uint64_t size = 0, seq_type = 0, crc_type = 0, body_type = 0;
  if (!header.varint(size) || !header.varint(seq_type) || !header.varint(crc_type) ||
      !header.varint(body_type) || header.at() != size)
    return false;
  static constexpr std::size_t kWidths[] = {0, 1, 2, 3, 4, 6, 8, 0, 0, 0};
  if (seq_type != 0 || crc_type == 0 || crc_type == 7 || crc_type > 9) return false;
  if (body_type < 12 || body_type % 2 != 0) return false;
  const std::size_t width = kWidths[crc_type];
  const std::size_t length = (body_type - 12) / 2;
  if (record.size() != size + width + length) return false;
  std::uint64_t value = crc_type == 9 ? 1 : 0;
  for (std::size_t i = 0; i < width; ++i)
    value = (value << 8) | static_cast<unsigned char>(record[size + i]);
  if (width > 0 && width < 8 && (value >> (8 * width - 1)) != 0)
    value |= ~std::uint64_t{0} << (8 * width);
  crc = static_cast<std::int64_t>(value);
  body = record.substr(size + width);
  return true;
}

}  // namespace

Result<SegmentPages> SegmentPages::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                "cannot read " + path.string() + ": " + std::strerror(errno));
  SegmentPages pages(file, ::open((path.string() + "-wal").c_str(), O_RDONLY | O_CLOEXEC));
  pages.file_pages_ = size_of(file) / kPage;
  pages.read_wal();
  return pages;
}

bool SegmentPages::wal_broken(const std::filesystem::path& path) {
  SegmentPages pages(-1, ::open((path.string() + "-wal").c_str(), O_RDONLY | O_CLOEXEC));
  pages.read_wal();
  return pages.wal_broken();
}

SegmentPages::SegmentPages(SegmentPages&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      wal_(std::exchange(other.wal_, -1)),
      file_pages_(other.file_pages_),
      in_wal_(std::move(other.in_wal_)),
      behind_break_(std::move(other.behind_break_)),
      wal_broken_(other.wal_broken_),
      refused_(other.refused_),
      wal_header_(std::move(other.wal_header_)) {}

SegmentPages::~SegmentPages() {
  if (file_ >= 0) close(file_);
  if (wal_ >= 0) close(wal_);
}

std::optional<SegmentPages::Format> SegmentPages::format(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char header[kFileHeader];
  const bool is_read = read_at(file, 0, header, sizeof header);
  close(file);
  if (!is_read || std::memcmp(header, "SQLite format 3", 16) != 0) return std::nullopt;
  return Format{big_endian(header + 68), big_endian(header + 60)};
}

bool SegmentPages::changed() const {
  std::string header(kWalHeader, '\0');
  if (wal_ < 0 || !read_at(wal_, 0, header.data(), header.size())) header.clear();
  return header != wal_header_ || size_of(file_) / kPage != file_pages_;
}

Result<void> SegmentPages::snapshot(const std::filesystem::path& to) {
  std::uint64_t count = file_pages_;
  for (const auto& [number, offset] : in_wal_) count = std::max<std::uint64_t>(count, number);
  const int file = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return fail(Errc::kIo, "cannot write " + to.string() + ": " + std::strerror(errno));
  std::string page;
  bool is_written = true;
  for (std::uint64_t i = 0; i < count && is_written; ++i) {
    const auto newer = in_wal_.find(static_cast<std::uint32_t>(i + 1));
    const bool is_read = newer != in_wal_.end() ? read_page(true, newer->second, page)
                                                : read_page(false, i * kPage, page);
    if (!is_read) page.assign(kPage, '\0');
    if (i == 0) page[18] = page[19] = 1;  // without a WAL
    is_written = ::write(file, page.data(), kPage) == static_cast<ssize_t>(kPage);
  }
  const int problem = errno;
  close(file);
  if (!is_written)
    return fail(Errc::kIo, "cannot write " + to.string() + ": " + std::strerror(problem));
  return {};
}

void SegmentPages::read_wal() {
  char header[kWalHeader];
  if (wal_ < 0 || !read_at(wal_, 0, header, sizeof header)) return;
  wal_header_.assign(header, sizeof header);
  const std::uint32_t magic = big_endian(header);
  if ((magic & ~1u) != kWalMagic || big_endian(header + 8) != kPage) return;
  const bool big = (magic & 1u) != 0;
  Sum sum;
  sum.add(header, 24, big);
  if (!sum.is(header + 24)) return;
  const std::uint64_t frames = (size_of(wal_) - kWalHeader) / (kFrameHeader + kPage);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> open;  // not committed yet
  std::string frame(kFrameHeader + kPage, '\0');
  bool is_broken = false;
  Run behind;
  for (std::uint64_t i = 0; i < frames; ++i) {
    const std::uint64_t at = kWalHeader + i * frame.size();
    if (!read_at(wal_, at, frame.data(), frame.size())) {
      ++refused_;
      is_broken = true;
      open.clear();
      behind.end(behind_break_);
      continue;
    }
    // Other salts: from before the WAL was last reset.
    if (std::memcmp(frame.data() + 8, header + 16, 8) != 0) {
      is_broken = true;
      behind.end(behind_break_);
      continue;
    }
    const std::uint32_t number = big_endian(frame.data());
    const bool is_commit = big_endian(frame.data() + 4) != 0;
    if (!is_broken) {
      sum.add(frame.data(), 8, big);
      sum.add(frame.data() + kFrameHeader, kPage, big);
      is_broken = !sum.is(frame.data() + 16);
      if (is_broken) open.clear();
    }
    if (is_broken) {
      behind.add(frame, {number, at + kFrameHeader}, is_commit, big, behind_break_);
      continue;
    }
    open.emplace_back(number, at + kFrameHeader);
    if (!is_commit) continue;
    for (const auto& [page, offset] : open) in_wal_[page] = offset;
    open.clear();
  }
  behind.end(behind_break_);
  wal_broken_ = !behind_break_.empty();
}

bool SegmentPages::read_page(bool in_wal, std::uint64_t offset, std::string& page) {
  page.resize(kPage);
  if (read_at(in_wal ? wal_ : file_, offset, page.data(), kPage)) return true;
  ++refused_;
  return false;
}

bool SegmentPages::read_overflow(std::uint32_t number, std::string& page) {
  const auto newer = in_wal_.find(number);
  if (newer != in_wal_.end()) return read_page(true, newer->second, page);
  for (const auto& [behind, offset] : behind_break_)
    if (behind == number && number > file_pages_) return read_page(true, offset, page);
  if (number == 0 || number > file_pages_) return false;
  return read_page(false, (number - 1) * kPage, page);
}

std::vector<SegmentPages::Place> SegmentPages::rows() {
  std::vector<Place> found;
  std::string page;
  const auto look = [&](Place at) {
    if (read_page(at.in_wal, at.offset, page)) scan(page, at, found);
  };
  for (std::uint64_t i = 0; i < file_pages_; ++i)
    if (!in_wal_.contains(static_cast<std::uint32_t>(i + 1))) look({0, i * kPage, 0, false, false});
  for (const auto& [number, offset] : in_wal_) look({0, offset, 0, true, false});
  for (const auto& [number, offset] : behind_break_) look({0, offset, 0, true, true});
  // What the checksums of the WAL vouch for comes first.
  std::stable_sort(found.begin(), found.end(), [](const Place& a, const Place& b) {
    return a.seq != b.seq ? a.seq < b.seq : a.behind_break < b.behind_break;
  });
  found.erase(std::unique(found.begin(), found.end(),
                          [](const Place& a, const Place& b) { return a.seq == b.seq; }),
              found.end());
  return found;
}

void SegmentPages::scan(const std::string& page, const Place& at, std::vector<Place>& found) {
  if (static_cast<unsigned char>(page[0]) != kTableLeaf) return;  // page 1 holds the schema
  const std::size_t cells = std::min<std::size_t>(big_endian(page.data() + 3, 2), kPage / 4);
  for (std::size_t i = 0; i < cells && 8 + 2 * i + 2 <= kPage; ++i) {
    Place place = at;
    place.cell = static_cast<std::uint16_t>(i);
    std::int64_t crc = 0;
    const auto body = payload(page, place.cell, place.seq, crc);
    if (body && std::int64_t{core::crc32c(*body)} == crc) found.push_back(place);
  }
}

std::optional<std::string> SegmentPages::payload(const std::string& page, std::uint16_t cell,
                                                 Seq& seq, std::int64_t& crc) {
  const std::size_t start = big_endian(page.data() + 8 + 2 * cell, 2);
  if (start < 8 || start >= kPage) return std::nullopt;
  Bytes bytes(page, start);
  std::uint64_t size = 0;
  if (!bytes.varint(size) || !bytes.varint(seq) || seq == 0 || size > kBodyMax) return std::nullopt;
  std::size_t local = size;
  if (size > kLocalMax) {
    local = kLocalMin + (size - kLocalMin) % (kPage - 4);
    if (local > kLocalMax) local = kLocalMin;
  }
  const bool overflows = local < size;
  if (bytes.at() + local + (overflows ? 4 : 0) > kPage) return std::nullopt;
  std::string record = page.substr(bytes.at(), local);
  std::uint32_t next = overflows ? big_endian(page.data() + bytes.at() + local) : 0;
  while (record.size() < size) {
    if (!read_overflow(next, overflow_)) return std::nullopt;
    next = big_endian(overflow_.data());
    record.append(overflow_, 4, std::min<std::size_t>(kPage - 4, size - record.size()));
  }
  std::string_view body;
  if (!split_record(record, crc, body)) return std::nullopt;
  return std::string(body);
}

std::optional<std::string> SegmentPages::body(const Place& place) {
  std::string page;
  if (!read_page(place.in_wal, place.offset, page)) return std::nullopt;
  Seq seq = 0;
  std::int64_t crc = 0;
  auto body = payload(page, place.cell, seq, crc);
  if (!body || seq != place.seq || std::int64_t{core::crc32c(*body)} != crc) return std::nullopt;
  return body;
}

}  // namespace sluice::storage
