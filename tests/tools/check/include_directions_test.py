# SPDX-License-Identifier: Apache-2.0
"""The include check must see each kind of breach, and nothing where there is none."""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).parents[3] / 'tools' / 'check' / 'include_directions.py'

# path of a file -> its text -> words that the complaint must contain (none: allowed)
CASES = [
    ('models/disk/disk.h', '#include "models/fabric/dma.h"', None),
    ('models/disk/disk.h', '#include <systemc>', None),
    ('models/platform/build.cpp', '#include "models/nic/nic.h"', None),
    ('kernel_sim/drivers/nic_driver.cpp', '#include "models/nic/nic_registers.h"', None),
    ('kernel_sim/fs/inode.h', '#include "kernel_sim/block/block_layer.h"', None),
    ('kernel_sim/hal/systemc/machine.cpp', '#include "models/platform/machine_builder.h"', None),
    ('tools/sluice/main.cpp', '#include "tools/results/json.h"', None),
    ('models/disk/disk.h', '#include "models/nic/nic.h"', 'models/disk must not include models/nic/nic.h'),
    ('models/base/ledger.cpp', '#include "models/fabric/dma.h"', 'models/base must not include'),
    ('models/fabric/dma.h', '#include "models/cache/cache_config.h"', 'models/fabric must not include'),
    ('models/nic/nic.cpp', '#include "kernel_sim/kernel.h"', 'models/nic must not include'),
    ('kernel_sim/mm/frames.cpp', '#include "models/memory/memory.h"', 'kernel_sim/mm must not include'),
    ('kernel_sim/mm/frames.cpp', '#include "kernel_sim/fs/file.h"', 'kernel_sim/mm must not include'),
    ('kernel_sim/net/tcp.cpp', '#include <systemc>', 'SystemC belongs in models/'),
    ('kernel_sim/programs/splice.cpp', '#include "kernel_sim/kernel.h"', 'kernel_sim/programs must not include'),
    ('tools/report/table.cpp', '#include "tools/results/run_result.h"', None),
    ('tools/scenario/scenario.cpp', '#include "tools/report/table.h"', 'tools/scenario must not include'),
    ('tools/simulate/run.cpp', '#include "tools/native/process.h"', 'tools/simulate must not include'),
    ('tools/calibrate/solve.cpp', '#include "tools/crosscheck/crosscheck.h"', 'tools/calibrate must not include'),
    ('tools/report/table.cpp', '#include "tools/sluice/options.h"', 'tools/report must not include'),
    ('tools/sluice/main.cpp', '#include <systemc>', 'SystemC belongs in models/'),
    ('models/disk/hdd_logic.h', '#include <tlm>', 'must be free of SystemC'),
]


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + '\n')
        done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
        return done.returncode, done.stdout


def main():
    wrong = 0
    for path, text, expected in CASES:
        status, output = check({path: text})
        right = status == 0 and not output if expected is None else status == 1 and expected in output
        if not right:
            wrong += 1
            print(f'{path}: {text}\n  expected {expected!r}, status {status}, output {output!r}')
    # through another header
    status, output = check({'kernel_sim/mm/a.cpp': '#include "models/base/b.h"', 'models/base/b.h': '#include <tlm>'})
    if status != 1 or 'kernel_sim/mm/a.cpp' not in output:
        wrong += 1
        print(f'SystemC through a header went unseen: {output!r}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
