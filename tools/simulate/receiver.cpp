// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "models/base/result.h"

namespace sluice::tool {

struct Receiver::Digest {
  Digest() : context(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr); }
  void add(std::span<const std::byte> bytes) { EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()); }
  void add(const base::Content& content, Bytes size) {
    std::vector<std::byte> buffer(std::min(size, 1_MiB));
    for (Bytes at = 0; at < size; at += buffer.size()) {
      const auto piece = std::span{buffer}.first(std::min<Bytes>(buffer.size(), size - at));
      content.read(at, piece);
      add(piece);
    }
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context.get(), digest.data(), &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context;
};

std::string unfinished_name(const std::string& path) { return path + ".part"; }

Receiver::Receiver(std::shared_ptr<const StreamContent> expected, std::string path)
    : m_expected(std::move(expected)), m_path(std::move(path)), m_arrivals(m_expected->file_count()) {
  if (m_path.empty()) return;
  m_file = std::fopen(unfinished_name(m_path).c_str(), "wb");
  if (m_file == nullptr) {
    throw base::InputError{fmt::format("cannot write received file {}: {}", m_path, std::strerror(errno))};
  }
}

Receiver::~Receiver() {
  if (m_file == nullptr) return;
  std::fclose(m_file);
  std::remove(unfinished_name(m_path).c_str());
}

void Receiver::data(const nic::Arrival& arrival) {
  if (arrival.size == 0) return;
  const auto began = std::chrono::steady_clock::now();
  // What comes by its right name need not be made.
  if (m_first_difference || !m_expected->is(m_received, arrival.names())) compare(arrival.bytes());
  m_checking += std::chrono::steady_clock::now() - began;
  if (m_file != nullptr) write(arrival.bytes());
  date_files(arrival);
  const Bytes before = m_received;
  m_received += arrival.size;
  const Bytes total = m_expected->size();
  if (before < total && m_received >= total && complete) complete(arrival.arrival_of(total - before - 1));
}

void Receiver::compare(std::span<const std::byte> bytes) {
  if (m_first_difference) {
    m_digest->add(bytes);
    return;
  }
  const Bytes left = m_expected->size() - m_received;
  if (bytes.size() <= left && m_expected->equals(m_received, bytes)) return;
  Bytes same = 0;
  std::byte wanted{};
  while (same < bytes.size() && same < left) {
    m_expected->read(m_received + same, {&wanted, 1});
    if (wanted != bytes[same]) break;
    ++same;
  }
  m_first_difference = m_received + same;
  m_digest = std::make_unique<Digest>();
  m_digest->add(*m_expected, m_received);
  m_digest->add(bytes);
}

void Receiver::write(std::span<const std::byte> bytes) {
  if (!m_write_error.empty()) return;
  if (std::fwrite(bytes.data(), 1, bytes.size(), m_file) != bytes.size()) m_write_error = std::strerror(errno);
}

void Receiver::date_files(const nic::Arrival& arrival) {
  const Bytes end = m_received + arrival.size;
  for (; m_next_file < m_arrivals.size() && m_expected->end_of(m_next_file) <= end; ++m_next_file) {
    const Bytes file_end = m_expected->end_of(m_next_file);
    if (file_end > m_received) m_arrivals[m_next_file] = arrival.arrival_of(file_end - m_received - 1);
  }
}

std::string Receiver::sha256() {
  if (m_first_difference) return std::exchange(m_digest, nullptr)->finish();
  Digest digest;
  digest.add(*m_expected, m_received);
  return digest.finish();
}

void Receiver::keep() {
  if (m_file == nullptr) return;
  if (std::fclose(std::exchange(m_file, nullptr)) != 0 && m_write_error.empty()) m_write_error = std::strerror(errno);
  if (m_write_error.empty()) return;
  std::remove(unfinished_name(m_path).c_str());
  throw base::InputError{fmt::format("cannot write received file {}: {}", m_path, m_write_error)};
}

}  // namespace sluice::tool
