#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks which folder may include which (layers, top to bottom):

    tools/sluice > tools/{crosscheck,calibrate,report} > tools/{simulate,native} > tools/{scenario,results,analysis}
    > kernel_sim > models/platform > models/<device> > fabric > base

Usage: include_directions.py ROOT. Prints one line per breach; exit status 1 when there is any.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
SYSTEMC = re.compile(r'^(systemc(\.h)?$|tlm(\.h)?$|tlm_|sysc/|tlm_core/)')
# Headers of a device that hold no SystemC and that the kernel and the tools may therefore see.
DATA_SHEET = re.compile(r'^models/\w+/(\w+_registers|\w+_format)\.h$')
FABRIC_SHEETS = ('models/fabric/memory_map.h', 'models/fabric/register.h')
# Files that must reach no SystemC header, directly or through others.
FREE_OF_SYSTEMC = re.compile(r'(_logic\.(h|cpp)|_registers\.h|_format\.h|_config\.(h|cpp))$')

KERNEL = ['hal', 'sched', 'mm', 'block', 'fs', 'ipc', 'net', 'drivers', 'syscalls']
# Layers of tools, top to bottom; what is in one layer does not include its neighbours.
TOOLS = [['sluice'], ['crosscheck', 'calibrate'], ['report'], ['simulate', 'native'], ['scenario', 'analysis'],
         ['results']]


def folder_of(path):
    """The folder that a rule speaks of: two levels, three for kernel_sim/hal/systemc."""
    parts = path.split('/')
    if path.startswith('kernel_sim/hal/systemc/'):
        return 'kernel_sim/hal/systemc'
    return '/'.join(parts[:2]) if len(parts) > 2 else parts[0]


def tool_layer(folder):
    name = folder.split('/')[1] if folder.startswith('tools/') else None
    return next((i for i, layer in enumerate(TOOLS) if name in layer), None)


def may_include(path, target):
    source, folder = folder_of(path), folder_of(target)
    if source == folder:
        return True
    if source.startswith('models/'):
        device = source != 'models/platform'
        if source == 'models/base':
            return False
        if source == 'models/fabric':
            return folder == 'models/base'
        return folder in ('models/base', 'models/fabric') if device else folder.startswith('models/')
    if source == 'kernel_sim/programs':
        return target in ('kernel_sim/system_calls.h', 'kernel_sim/system_calls.def')
    if source == 'kernel_sim/hal/systemc':
        return folder == 'kernel_sim/hal' or folder.startswith('models/')
    if source.startswith('kernel_sim'):
        if folder == 'models/base' or DATA_SHEET.match(target) or target in FABRIC_SHEETS:
            return True
        if source == 'kernel_sim':
            return folder.startswith('kernel_sim/') and folder != 'kernel_sim/hal/systemc'
        if target == 'kernel_sim/system_calls.h':
            return True
        names = [f'kernel_sim/{name}' for name in KERNEL]
        return folder in names and source in names and names.index(folder) < names.index(source)
    layer = tool_layer(source)
    if layer is not None:
        if target in ('tools/sluice/options.h', 'tools/sluice/output_file.h') and source != 'tools/report':
            return True
        below = tool_layer(folder)
        return folder.startswith(('models/', 'kernel_sim')) or (below is not None and layer < below)
    return True  # tests, benchmarks


def breaches(root):
    files = {}
    for top in ('models', 'kernel_sim', 'tools', 'tests'):
        for file in sorted((root / top).rglob('*')):
            if file.suffix in ('.h', '.cpp') and file.is_file():
                files[file.relative_to(root).as_posix()] = INCLUDE.findall(file.read_text(errors='replace'))

    reaches = {}

    def reaches_systemc(path):
        if path not in reaches:
            reaches[path] = False  # ends include cycles
            reaches[path] = any(
                SYSTEMC.match(target) or (target in files and reaches_systemc(target)) for _, target in files[path])
        return reaches[path]

    for path, includes in files.items():
        if path.startswith(('tests/', 'tools/bench/')):
            continue
        home = path.startswith(('models/', 'kernel_sim/hal/systemc/')) and not path.startswith('models/base/')
        if FREE_OF_SYSTEMC.search(path) and reaches_systemc(path):
            yield f'{path}: must be free of SystemC, and reaches it through an include'
        elif path.startswith(('kernel_sim/', 'models/base/')) and not home and reaches_systemc(path):
            yield f'{path}: SystemC belongs in models/ and kernel_sim/hal/systemc only'
        for _, target in includes:
            if SYSTEMC.match(target) and not home:
                yield f'{path}: includes <{target}>; SystemC belongs in models/ and kernel_sim/hal/systemc only'
            if target.split('/')[0] in ('models', 'kernel_sim', 'tools', 'tests') and not may_include(path, target):
                yield f'{path}: {folder_of(path)} must not include {target}'


def main():
    found = list(breaches(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.')))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
