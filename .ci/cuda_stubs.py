"""Archives that stand in for CUDA's libraries at link time: cuda_stubs.py CUDARC_SOURCE OUT_FOLDER.

Each function that cudarc declares jumps through a slot. The slot first leads to a resolver, which opens the real library,
finds the function and leaves its address in the slot; without the library, the address of a function that returns the
library's own code for "there is nothing here". The arguments are never touched, so no signature needs to be known.
"""

import os
import re
import subprocess
import sys

# Name to link by, cudarc's folder, names of the real library, what to return without it.
LIBRARIES = [
    ("cuda", "driver", ["libcuda.so.1"], 100),  # CUDA_ERROR_NO_DEVICE
    ("cublas", "cublas", ["libcublas.so.13", "libcublas.so.12"], 1),  # CUBLAS_STATUS_NOT_INITIALIZED
    ("cublasLt", "cublaslt", ["libcublasLt.so.13", "libcublasLt.so.12"], 1),
    ("curand", "curand", ["libcurand.so.10"], 101),  # CURAND_STATUS_NOT_INITIALIZED
    ("nvrtc", "nvrtc", ["libnvrtc.so.13", "libnvrtc.so.12"], 5),  # NVRTC_ERROR_INVALID_INPUT
]

RESOLVE = r"""
#include <dlfcn.h>
#include <stddef.h>
static const char *const files[] = {%(files)s, NULL};
static const char *const names[] = {%(names)s};
extern void *etude_%(lib)s_slots[];
static long nothing(void) { return %(code)d; }
void *etude_%(lib)s_resolve(size_t index) {
    static void *library = NULL;
    for (size_t i = 0; library == NULL && files[i] != NULL; i++)
        library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    void *function = library == NULL ? NULL : dlsym(library, names[index]);
    if (function == NULL) function = (void *)nothing;
    etude_%(lib)s_slots[index] = function;
    return function;
}
"""

COMMON = """
    .text
    .type etude_{lib}_enter, @function
etude_{lib}_enter:
    pushq %rdi; pushq %rsi; pushq %rdx; pushq %rcx; pushq %r8; pushq %r9
    subq $128, %rsp
{save}
    movq 176(%rsp), %rdi
    call etude_{lib}_resolve@PLT
    movq %rax, %r11
{restore}
    addq $128, %rsp
    popq %r9; popq %r8; popq %rcx; popq %rdx; popq %rsi; popq %rdi
    addq $8, %rsp
    jmp *%r11
"""


def functions(folder):
    """The functions that cudarc's bindings declare."""
    text = open(os.path.join(folder, "sys", "mod.rs")).read()
    # Each is declared inside the function that calls it: extern "C" { fn cuInit(…) -> …; }
    names = set(re.findall(r'extern "C" \{\s*fn (\w+)\(', text))
    assert names, f"no function found in {folder}"
    return sorted(names)


def assembly(lib, names):
    vectors = range(8)
    parts = [
        COMMON.format(
            lib=lib,
            save="\n".join(f"    movups %xmm{i}, {16 * i}(%rsp)" for i in vectors),
            restore="\n".join(f"    movups {16 * i}(%rsp), %xmm{i}" for i in vectors),
        )
    ]
    for i, name in enumerate(names):
        parts.append(
            f"    .globl {name}\n    .type {name}, @function\n{name}:\n"
            f"    movq etude_{lib}_slots+{8 * i}(%rip), %r11\n    jmp *%r11\n"
            f"{name}_first:\n    pushq ${i}\n    jmp etude_{lib}_enter\n"
        )
    parts.append(f"    .data\n    .globl etude_{lib}_slots\n    .hidden etude_{lib}_slots\netude_{lib}_slots:\n")
    parts.extend(f"    .quad {name}_first\n" for name in names)
    parts.append('    .section .note.GNU-stack,"",@progbits\n')
    return "".join(parts)


def main(cudarc, out):
    for lib, folder, files, code in LIBRARIES:
        names = functions(os.path.join(cudarc, "src", folder))
        base = os.path.join(out, f"stub_{lib}")
        with open(base + ".s", "w") as file:
            file.write(assembly(lib, names))
        with open(base + "_resolve.c", "w") as file:
            quoted = {"files": files, "names": names}
            quoted = {key: ", ".join(f'"{text}"' for text in texts) for key, texts in quoted.items()}
            file.write(RESOLVE % {"lib": lib, "code": code, **quoted})
        objects = []
        for source in (base + ".s", base + "_resolve.c"):
            objects.append(source.rsplit(".", 1)[0] + ".o")
            subprocess.run(["gcc", "-c", "-O2", "-fPIC", "-o", objects[-1], source], check=True)
        archive = os.path.join(out, f"lib{lib}.a")
        if os.path.exists(archive):
            os.remove(archive)
        subprocess.run(["ar", "rcs", archive, *objects], check=True)
        print(f"{archive}: {len(names)} functions")


main(*sys.argv[1:])
