// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "models/base/result.h"
#include "tools/scenario/expansion.h"

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

std::vector<ReceivedStream> streams_of(const scenario::Configuration& configuration) {
  const scenario::Workload& workload = configuration.workload;
  const scenario::Expansion expansion = scenario::expand(configuration);
  std::vector<ReceivedStream> streams;
  for (unsigned i = 0; i < expansion.connections.size(); ++i) {
    const std::vector<unsigned>& cards = expansion.connections[i].cards;
    const std::size_t sockets = std::max<std::size_t>(cards.size(), 1);
    const std::size_t first = streams.size();
    for (std::size_t socket = 0; socket < sockets; ++socket) {
      streams.push_back({i, cards.empty() ? std::nullopt : std::optional{cards[socket]}, {}});
    }
    const std::uint64_t begin = scenario::first_transfer(workload, i);
    const std::uint64_t end = scenario::first_transfer(workload, i + 1);
    for (std::uint64_t transfer = begin; transfer < end; ++transfer) {
      const std::uint64_t file = transfer % workload.count;
      streams[first + file % sockets].transfers.push_back(static_cast<std::uint32_t>(transfer));
    }
  }
  return streams;
}

Receiver::Receiver(std::shared_ptr<const StreamContent> expected, std::string path, std::vector<ReceivedStream> streams)
    : m_expected(std::move(expected)), m_path(std::move(path)), m_arrivals(m_expected->file_count()) {
  unsigned cards = 0;
  for (ReceivedStream& stream : streams) {
    if (stream.card) cards = std::max(cards, *stream.card + 1);
    m_streams.push_back({std::move(stream)});
  }
  for (unsigned card = 0; card < cards; ++card) m_stations.emplace_back(*this, card);
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

void Receiver::Station::connected(nic::ConnectionId connection, std::uint16_t port, Picoseconds /*at*/) {
  for (Stream& stream : m_receiver.m_streams) {
    if (stream.what.card == m_card && stream.what.connection + kFirstPort == port) m_streams[connection] = &stream;
  }
}

void Receiver::Station::data(const nic::Arrival& arrival) {
  const auto stream = m_streams.find(arrival.connection);
  base::ensure(stream != m_streams.end(), "a program sends to a port at which nobody listens");
  m_receiver.take(*stream->second, arrival);
}

/// Piece by piece, as transfers begin and end in it.
void Receiver::take(Stream& stream, const nic::Arrival& arrival) {
  const std::vector<std::uint32_t>& transfers = stream.what.transfers;
  for (Bytes at = 0; at < arrival.size;) {
    if (stream.next == transfers.size()) return take_piece(m_expected->size(), arrival, at, arrival.size - at);
    const std::uint32_t transfer = transfers[stream.next];
    const Bytes all = m_expected->size_of(transfer);
    const Bytes size = std::min(arrival.size - at, all - stream.taken);
    if (size > 0) take_piece(m_expected->end_of(transfer) - all + stream.taken, arrival, at, size);
    at += size;
    stream.taken += size;
    if (stream.taken < all) continue;
    if (size > 0) m_arrivals[transfer] = arrival.arrival_of(at - 1);
    ++stream.next;
    stream.taken = 0;
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
  const bool placed = m_streams.size() == 1 || fseeko(m_file, static_cast<off_t>(position), SEEK_SET) == 0;
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
