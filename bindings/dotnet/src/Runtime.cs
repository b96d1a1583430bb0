using System;
using System.Reflection;
using System.Runtime.InteropServices;

namespace PactFoundation.Telemetry
{
    /// <summary>The version of .NET and the test framework. Looks only at assemblies that are loaded.</summary>
    internal static class Runtime
    {
        /// <summary>Each assembly that the tests of a framework refer to, and the framework's name.</summary>
        private static readonly string[][] Frameworks =
        {
            new[] { "xunit.core", "xUnit" },
            new[] { "xunit.v3.core", "xUnit" },
            new[] { "nunit.framework", "NUnit" },
            new[] { "Microsoft.VisualStudio.TestPlatform.TestFramework", "MSTest" },
            new[] { "MSTest.TestFramework", "MSTest" },
        };

        /// <summary>Such as <c>.NET 8.0.1</c> or <c>Mono 6.8.0.105</c>.</summary>
        internal static string PlatformVersion()
        {
            return RuntimeInformation.FrameworkDescription.Split('(')[0].Trim();
        }

        internal static string TestFramework()
        {
            Assembly[] loaded = AppDomain.CurrentDomain.GetAssemblies();
            foreach (string[] framework in Frameworks)
            {
                foreach (Assembly assembly in loaded)
                {
                    if (assembly.GetName().Name == framework[0])
                    {
                        return framework[1];
                    }
                }
            }
            return null;
        }
    }
}
