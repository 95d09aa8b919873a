// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "models/base/result.h"

namespace sluice::simulate {

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

Receiver::Receiver(std::shared_ptr<const StreamContent> expected, std::string path, std::size_t connections)
    : m_expected(std::move(expected)), m_path(std::move(path)), m_arrivals(m_expected->file_count()) {
  m_connections.reserve(connections);
  for (std::size_t i = 0; i < connections; ++i) m_connections.emplace_back(*this, i);
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

/// Piece by piece, as files begin and end in it.
void Receiver::take(Connection& connection, const nic::Arrival& arrival) {
  for (Bytes at = 0; at < arrival.size;) {
    const bool beyond = connection.file >= m_expected->file_count();
    const Bytes file_end = beyond ? m_expected->size() : m_expected->end_of(connection.file);
    const Bytes file_size = beyond ? 0 : m_expected->size_of(connection.file);
    if (!beyond && connection.taken == file_size) {
      connection.file += m_connections.size();
      connection.taken = 0;
      continue;
    }
    const Bytes size = beyond ? arrival.size - at : std::min(arrival.size - at, file_size - connection.taken);
    take_piece(beyond ? file_end : file_end - file_size + connection.taken, arrival, at, size);
    at += size;
    connection.taken += size;
    if (!beyond && connection.taken == file_size) m_arrivals[connection.file] = arrival.arrival_of(at - 1);
  }
}

void Receiver::take_piece(Bytes position, const nic::Arrival& arrival, Bytes begin, Bytes size) {
  const auto began = std::chrono::steady_clock::now();
  // What comes by its right name need not be made.
  if (m_first_difference || !m_expected->is(position, arrival.buffer.names_of(arrival.begin + begin, size))) {
    compare(position, arrival.bytes().subspan(begin, size));
  }
  m_checking += std::chrono::steady_clock::now() - began;
  if (m_file != nullptr) write(position, arrival.bytes().subspan(begin, size));
  const Bytes before = m_received;
  m_received += size;
  m_last_arrival = std::max(m_last_arrival, arrival.arrival_of(begin + size - 1));
  if (before < m_expected->size() && m_received >= m_expected->size() && complete) complete(m_last_arrival);
}

void Receiver::compare(Bytes position, std::span<const std::byte> bytes) {
  if (m_first_difference) {
    m_digest->add(bytes);
    return;
  }
  const Bytes left = m_expected->size() - position;
  if (bytes.size() <= left && m_expected->equals(position, bytes)) return;
  Bytes same = 0;
  std::byte wanted{};
  while (same < bytes.size() && same < left) {
    m_expected->read(position + same, {&wanted, 1});
    if (wanted != bytes[same]) break;
    ++same;
  }
  m_first_difference = position + same;
  m_digest = std::make_unique<Digest>();
  m_digest->add(*m_expected, m_received);
  m_digest->add(bytes);
}

void Receiver::write(Bytes position, std::span<const std::byte> bytes) {
  if (!m_write_error.empty()) return;
  const bool placed = m_connections.size() == 1 || fseeko(m_file, static_cast<off_t>(position), SEEK_SET) == 0;
  if (!placed || std::fwrite(bytes.data(), 1, bytes.size(), m_file) != bytes.size()) {
    m_write_error = std::strerror(errno);
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

}  // namespace sluice::simulate
