using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace PactFoundation.Telemetry
{
    /// <summary>Finds the native library, once in a process. It does not throw, but says what went wrong.</summary>
    internal static class Loader
    {
        /// <summary>The variable that names the library. If it is set, nothing else is tried.</summary>
        internal const string Variable = "PACT_TELEMETRY_LIBRARY";

        private static readonly Lazy<Found> Once = new Lazy<Found>(Find);

        /// <summary>The library; null if there is none that can be used.</summary>
        internal static Native Native => Once.Value.Native;

        /// <summary>Why the library cannot be used; null if it can.</summary>
        internal static string Problem => Once.Value.Problem;

        private sealed class Found
        {
            internal Native Native;
            internal string Problem;
        }

        private static Found Find()
        {
            var problems = new List<string>();
            try
            {
                foreach (string path in Candidates(problems))
                {
                    try
                    {
                        return new Found { Native = Open(path) };
                    }
                    catch (Exception error)
                    {
                        problems.Add(error.Message.StartsWith(path, StringComparison.Ordinal)
                            ? error.Message : path + ": " + error.Message);
                    }
                }
            }
            catch (Exception error) // such as a security policy
            {
                problems.Add(error.Message);
            }
            return new Found { Problem = string.Join("; ", problems) };
        }

        private static IEnumerable<string> Candidates(List<string> problems)
        {
            string chosen = Environment.GetEnvironmentVariable(Variable);
            if (!string.IsNullOrEmpty(chosen))
            {
                yield return chosen;
                yield break;
            }
            bool found = false;
            foreach (string folder in Folders())
            {
                string path = Path.Combine(folder, Platform.File);
                if (File.Exists(path))
                {
                    found = true;
                    yield return path;
                }
            }
            if (!found)
            {
                problems.Add("the package carries no library for " + Platform.Rid);
            }
            yield return Platform.SystemFile;
        }

        /// <summary>The folders where NuGet puts the library: beside the program, below it, or in its cache.</summary>
        private static IEnumerable<string> Folders()
        {
            string inside = Path.Combine("runtimes", Platform.Rid, "native");
            string assembly = typeof(Loader).Assembly.Location;
            string beside = string.IsNullOrEmpty(assembly) ? null : Path.GetDirectoryName(assembly);
            foreach (string folder in new[] { AppContext.BaseDirectory, beside })
            {
                if (!string.IsNullOrEmpty(folder))
                {
                    yield return Path.Combine(folder, inside);
                    yield return folder;
                    yield return Path.Combine(folder, "..", "..", inside); // lib/netstandard2.0 of an unpacked package
                }
            }
            string searched = AppDomain.CurrentDomain.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
            foreach (string folder in searched.Split(new[] { Path.PathSeparator },
                StringSplitOptions.RemoveEmptyEntries))
            {
                yield return folder;
            }
        }

        private static Native Open(string path)
        {
            IntPtr library = Platform.IsWindows ? Windows.Open(path) : Unix.Open(path);
            Func<string, IntPtr> find = name => Platform.IsWindows ? Windows.Find(library, name) : Unix.Find(library,
                name);
            IntPtr address = find("pact_telemetry_abi_version");
            if (address == IntPtr.Zero)
            {
                throw new DllNotFoundException("is not libpact_telemetry");
            }
            uint version = Marshal.GetDelegateForFunctionPointer<Native.AbiVersionFunction>(address)();
            if (version != Native.AbiVersion)
            {
                throw new DllNotFoundException("has ABI version " + version + ", not " + Native.AbiVersion);
            }
            return new Native(find);
        }

        private static class Windows
        {
            internal static IntPtr Open(string path)
            {
                IntPtr library = LoadLibrary(path);
                if (library == IntPtr.Zero)
                {
                    throw new DllNotFoundException("error " + Marshal.GetLastWin32Error());
                }
                return library;
            }

            internal static IntPtr Find(IntPtr library, string name) => GetProcAddress(library, name);

            [DllImport("kernel32", EntryPoint = "LoadLibraryW", CharSet = CharSet.Unicode, SetLastError = true)]
            private static extern IntPtr LoadLibrary(string path);

            [DllImport("kernel32", CharSet = CharSet.Ansi, BestFitMapping = false)]
            private static extern IntPtr GetProcAddress(IntPtr library, string name);
        }

        /// <summary>dlopen is in libdl before glibc 2.34, and in the C library on musl and macOS.</summary>
        private static class Unix
        {
            private static readonly bool HasLibdl = !Platform.IsMac && Has();
            private static readonly int Lazily = Platform.IsMac ? 0x1 | 0x4 : 0x1; // RTLD_LAZY | RTLD_LOCAL

            internal static IntPtr Open(string path)
            {
                IntPtr library = HasLibdl ? Libdl.dlopen(path, Lazily) : Libc.dlopen(path, Lazily);
                if (library == IntPtr.Zero)
                {
                    IntPtr error = HasLibdl ? Libdl.dlerror() : Libc.dlerror();
                    throw new DllNotFoundException(Marshal.PtrToStringAnsi(error));
                }
                return library;
            }

            internal static IntPtr Find(IntPtr library, string name) =>
                HasLibdl ? Libdl.dlsym(library, name) : Libc.dlsym(library, name);

            private static bool Has()
            {
                try
                {
                    Libdl.dlerror();
                    return true;
                }
                catch (DllNotFoundException)
                {
                    return false;
                }
            }

            private static class Libdl
            {
                [DllImport("libdl.so.2")]
                internal static extern IntPtr dlopen(string path, int flags);

                [DllImport("libdl.so.2")]
                internal static extern IntPtr dlsym(IntPtr library, string name);

                [DllImport("libdl.so.2")]
                internal static extern IntPtr dlerror();
            }

            private static class Libc
            {
                [DllImport("libc")]
                internal static extern IntPtr dlopen(string path, int flags);

                [DllImport("libc")]
                internal static extern IntPtr dlsym(IntPtr library, string name);

                [DllImport("libc")]
                internal static extern IntPtr dlerror();
            }
        }
    }
}
