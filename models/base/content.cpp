// SPDX-License-Identifier: Apache-2.0
#include "models/base/content.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "models/base/result.h"

namespace sluice::base {
namespace {

/// Word number i of a file is a bijective mix of i, so that no two words are alike: an odd multiple, then a
/// xor-shift. Both are a few vector instructions, for this is on the path of every simulated byte.
class SyntheticContent final : public Content {
 public:
  SyntheticContent(Bytes size, std::uint64_t seed) : m_size(size), m_base(mixed(seed)) {}

  [[nodiscard]] Bytes size() const override { return m_size; }

  void read(Bytes offset, std::span<std::byte> to) const override {
    ensure(offset <= m_size && to.size() <= m_size - offset, "content is read within its size");
    std::byte* out = to.data();
    for_each_part(
        offset, to.size(),
        [&](const Words& words) {
          std::memcpy(out, &words, sizeof words);
          out += sizeof words;
        },
        [&](const std::byte* bytes, Bytes n) {
          std::memcpy(out, bytes, n);
          out += n;
        });
  }

  [[nodiscard]] bool equals(Bytes offset, std::span<const std::byte> bytes) const override {
    if (offset > m_size || bytes.size() > m_size - offset) return false;
    const std::byte* in = bytes.data();
    Words difference{};
    bool same = true;
    for_each_part(
        offset, bytes.size(),
        [&](const Words& words) {
          Words there;
          std::memcpy(&there, in, sizeof there);
          difference |= there ^ words;
          in += sizeof words;
        },
        [&](const std::byte* expected, Bytes n) {
          same = same && std::memcmp(in, expected, n) == 0;
          in += n;
        });
    return same && (difference[0] | difference[1]) == 0;
  }

 private:
  using Words = std::uint64_t __attribute__((vector_size(16)));
  static constexpr Bytes kGroup = sizeof(Words);
  static constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15;  // odd: 2^64 / golden ratio

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): near seeds give unlike files.
  static std::uint64_t mixed(std::uint64_t x) {
    x += kStep;
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
  }
  [[nodiscard]] Words counter_of(std::uint64_t group) const {
    const std::uint64_t first = m_base + group * 2 * kStep;
    return Words{first, first + kStep};
  }
  static Words finished(Words counter) { return counter ^ (counter >> 32); }

  /// Visits the bytes of a range in order: whole groups of words, and the bytes of broken groups at the ends.
  template <class WholeGroup, class SomeBytes>
  void for_each_part(Bytes offset, Bytes size, WholeGroup&& whole, SomeBytes&& some) const {
    const auto broken = [&](Bytes at, Bytes n) {
      const Words words = finished(counter_of(at / kGroup));
      std::array<std::byte, kGroup> bytes;
      std::memcpy(bytes.data(), &words, kGroup);
      some(bytes.data() + at % kGroup, n);
    };
    if (const Bytes skipped = offset % kGroup; skipped != 0 && size > 0) {
      const Bytes n = std::min(size, kGroup - skipped);
      broken(offset, n);
      offset += n;
      size -= n;
    }
    Words counter = counter_of(offset / kGroup);
    const Words step{2 * kStep, 2 * kStep};
    for (Bytes groups = size / kGroup; groups > 0; --groups) {
      whole(finished(counter));
      counter += step;
    }
    if (size % kGroup != 0) broken(offset + size / kGroup * kGroup, size % kGroup);
  }

  Bytes m_size;
  std::uint64_t m_base;
};

/// A read-only mapping of a host file; nothing is mapped for an empty one.
class FileContent final : public Content {
 public:
  FileContent(const std::byte* start, Bytes size) : m_bytes(start, size) {}
  FileContent(const FileContent&) = delete;
  FileContent& operator=(const FileContent&) = delete;
  ~FileContent() override {
    if (!m_bytes.empty()) ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
  }

  [[nodiscard]] Bytes size() const override { return m_bytes.size(); }
  void read(Bytes offset, std::span<std::byte> to) const override {
    ensure(offset <= m_bytes.size() && to.size() <= m_bytes.size() - offset, "content is read within its size");
    if (!to.empty()) std::memcpy(to.data(), m_bytes.data() + offset, to.size());
  }
  [[nodiscard]] bool equals(Bytes offset, std::span<const std::byte> bytes) const override {
    if (offset > m_bytes.size() || bytes.size() > m_bytes.size() - offset) return false;
    return bytes.empty() || std::memcmp(bytes.data(), m_bytes.data() + offset, bytes.size()) == 0;
  }

 private:
  std::span<const std::byte> m_bytes;
};

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

[[noreturn]] void refuse_file(const std::string& path, std::string_view reason) {
  throw InputError{fmt::format("cannot read '{}': {}", path, reason)};
}
std::string reason_of(int error_number) {
  if (error_number == ENOENT) return "there is no such file";
  if (error_number == EACCES) return "permission denied";
  return std::generic_category().message(error_number);
}

}  // namespace

bool Content::equals(Bytes offset, std::span<const std::byte> bytes) const {
  if (offset > size() || bytes.size() > size() - offset) return false;
  std::array<std::byte, kPageSize> expected;
  while (!bytes.empty()) {
    const Bytes n = std::min<Bytes>(bytes.size(), expected.size());
    read(offset, std::span{expected}.first(n));
    if (std::memcmp(expected.data(), bytes.data(), n) != 0) return false;
    offset += n;
    bytes = bytes.subspan(n);
  }
  return true;
}

std::shared_ptr<const Content> make_synthetic_content(Bytes size, std::uint64_t seed) {
  return std::make_shared<SyntheticContent>(size, seed);
}

std::shared_ptr<const Content> open_file_content(const std::string& path) {
  // Looked at before it is opened: opening a pipe would wait for its writer.
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) refuse_file(path, reason_of(errno));
  if (S_ISDIR(status.st_mode)) refuse_file(path, "it is a directory");
  if (!S_ISREG(status.st_mode)) refuse_file(path, "it is not a regular file");
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) refuse_file(path, reason_of(errno));
  if (::fstat(file.number, &status) != 0) refuse_file(path, reason_of(errno));
  if (!S_ISREG(status.st_mode)) refuse_file(path, "it is not a regular file");
  const auto size = static_cast<Bytes>(status.st_size);
  if (size == 0) return std::make_shared<FileContent>(nullptr, 0);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) refuse_file(path, reason_of(errno));
  return std::make_shared<FileContent>(static_cast<const std::byte*>(start), size);
}

std::string sha256_of(const Content& content) {
  constexpr Bytes kPiece = 64_KiB;  // stays in the cache of the core that hashes it
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  bool good = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<std::byte> buffer(std::min(kPiece, content.size()));
  for (Bytes offset = 0; good && offset < content.size();) {
    const Bytes n = std::min(kPiece, content.size() - offset);
    content.read(offset, std::span{buffer}.first(n));
    good = EVP_DigestUpdate(context.get(), buffer.data(), n) == 1;
    offset += n;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  ensure(good, "OpenSSL computes SHA-256");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace sluice::base
