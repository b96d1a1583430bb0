using System;
using System.Diagnostics;
using System.IO;
using NUnit.Framework;

namespace PactFoundation.Telemetry.Tests
{
    /// <summary>The C library of a process is recognised.</summary>
    [TestFixture]
    public class PlatformTest
    {
        private const string Waits = @"
            #include <unistd.h>
            int main(void) { char c = '.'; write(1, &c, 1); return (int)read(0, &c, 1); }";

        [Test]
        public void A_process_on_glibc_is_not_taken_for_one_on_musl()
        {
            string maps = File.ReadAllText("/proc/self/maps");
            StringAssert.Contains("/libc.so.6", maps, "this test itself runs on glibc");
            Assert.IsFalse(Platform.IsMusl("/proc/self/maps"));
            Assert.IsFalse(Platform.IsMusl("/none"));
        }

        [Test]
        public void A_process_on_musl_is_recognised_by_its_maps()
        {
            if (!File.Exists("/usr/bin/musl-gcc"))
            {
                Assert.Ignore("NOT RUN: there is no musl-gcc (Debian: musl-tools)");
            }
            string folder = Path.Combine(Path.GetTempPath(), "pact-telemetry-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(folder);
            try
            {
                File.WriteAllText(folder + "/waits.c", Waits + "\n");
                Support.Run("/usr/bin/musl-gcc", "-o " + folder + "/waits " + folder + "/waits.c");
                var start = new ProcessStartInfo(folder + "/waits")
                {
                    UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
                };
                using (Process process = Process.Start(start))
                {
                    Assert.AreEqual('.', process.StandardOutput.Read(), "it runs, so its maps are complete");
                    Assert.IsTrue(Platform.IsMusl("/proc/" + process.Id + "/maps"));
                    process.StandardInput.Close();
                    Assert.IsTrue(process.WaitForExit((int)Support.Patience.TotalMilliseconds));
                }
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }
    }
}
