// SPDX-License-Identifier: Apache-2.0
#include "models/platform/device_kinds.h"

#include <algorithm>
#include <array>

#include "models/disk/disk_controller.h"
#include "models/interconnect/pcie_switch_config.h"
#include "models/nic/connected_nic.h"

namespace sluice::platform {
namespace {

using Role = DeviceKind::Role;

template <class Config>
Config& as(std::any& config) {
  return *std::any_cast<Config>(&config);
}
template <class Config>
const Config& as(const std::any& config) {
  return *std::any_cast<Config>(&config);
}

/// n * numerator / denominator, rounded up.
std::uint64_t scale_up(std::uint64_t n, std::uint64_t numerator, std::uint64_t denominator) {
  const auto product = WideUnsigned{n} * numerator;
  return static_cast<std::uint64_t>((product + denominator - 1) / denominator);
}

// --- disk ------------------------------------------------------------------------------------------------------------

std::vector<Part> disk_parts(std::any& config) { return {{"", base::ParameterTable{as<disk::DiskConfig>(config)}}}; }

std::uint64_t media_goodput(const std::any& config) {
  const auto& disk = as<disk::DiskConfig>(config);
  const ByteRate rate = disk.medium == disk::MediumKind::Hdd ? disk.hdd.media_rate : disk.ssd.sustained_read();
  return rate.value();
}

std::unique_ptr<fabric::Device> make_disk(const std::string& name, const std::any& config, const Surroundings& around) {
  const auto& disk = as<disk::DiskConfig>(config);
  const auto image = around.images.find(name);
  return std::make_unique<disk::DiskController>(
      name.c_str(), disk,
      image != around.images.end() ? image->second : std::make_shared<disk::DiskImage>(disk.capacity), around.ledger);
}

// --- nic -------------------------------------------------------------------------------------------------------------

std::vector<Part> nic_parts(std::any& config) {
  auto& nic = as<nic::ConnectedNicConfig>(config);
  return {{"", base::ParameterTable{nic.nic}},
          {"wire", base::ParameterTable{nic.wire}},
          {"peer", base::ParameterTable{nic.peer}}};
}

/// Full segments back to back: of each frame and its gap only the segment is payload.
std::uint64_t wire_goodput(const std::any& config) {
  const auto& nic = as<nic::ConnectedNicConfig>(config).nic;
  return scale_up(nic.rate.value(), nic::segment_size(nic.mtu),
                  8 * (nic.mtu + nic::kEthernetHeader + nic::kFrameOverhead));
}

std::unique_ptr<fabric::Device> make_nic(const std::string& name, const std::any& config, const Surroundings& around) {
  return std::make_unique<nic::ConnectedNic>(name, as<nic::ConnectedNicConfig>(config), around.ledger);
}

// --- switch ----------------------------------------------------------------------------------------------------------

std::vector<Part> switch_parts(std::any& config) {
  return {{"", base::ParameterTable{as<interconnect::PcieSwitchConfig>(config)}}};
}

constexpr std::array kKinds{
    DeviceKind{"disk", "disk controller and its medium", Role::Source, "media", 1,
               [] { return std::any{disk::DiskConfig{}}; }, disk_parts, media_goodput, make_disk},
    DeviceKind{"nic", "network controller, its cable and the station at the far end", Role::Sink, "wire", 2,
               [] { return std::any{nic::ConnectedNicConfig{}}; }, nic_parts, wire_goodput, make_nic},
    DeviceKind{"switch", "PCIe switch: devices attached to it share its link", Role::Switch, "", 0,
               [] { return std::any{interconnect::PcieSwitchConfig{}}; }, switch_parts, nullptr, nullptr},
};

}  // namespace

std::span<const DeviceKind> device_kinds() { return kKinds; }

const DeviceKind* find_kind(std::string_view name) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const DeviceKind& kind) { return kind.name == name; });
  return found != kKinds.end() ? &*found : nullptr;
}

}  // namespace sluice::platform
