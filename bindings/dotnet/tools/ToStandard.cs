using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Mono.Cecil;

/// <summary>
/// Changes an assembly that Mono compiled so that it refers to .NET Standard 2.0 instead of the assemblies of Mono's
/// framework. .NET Standard has the same types in one assembly, <c>netstandard</c>, which .NET, .NET Framework and Mono
/// all have. The identity of the result is a digest of its contents and its time is zero, so that the same sources give
/// the same bytes.
/// </summary>
internal static class ToStandard
{
    private static readonly byte[] Token = { 0xcc, 0x7b, 0x13, 0xff, 0xcd, 0x2d, 0xdd, 0x51 };

    private static int Main(string[] arguments)
    {
        string path = arguments[0];
        using (ModuleDefinition module = ModuleDefinition.ReadModule(new MemoryStream(File.ReadAllBytes(path))))
        {
            var standard = new AssemblyNameReference("netstandard", new Version(2, 0, 0, 0)) { PublicKeyToken = Token };
            foreach (TypeReference type in module.GetTypeReferences().Where(type =>
                type.DeclaringType == null).ToList())
            {
                type.Scope = standard;
            }
            module.AssemblyReferences.Clear();
            module.AssemblyReferences.Add(standard);
            module.Assembly.SecurityDeclarations.Clear(); // only .NET Framework uses them
            module.Mvid = Guid.Empty;
            module.Write(path);
            module.Mvid = Identity(path);
            module.Write(path);
        }
        ClearTime(path);
        using (ModuleDefinition module = ModuleDefinition.ReadModule(path))
        {
            string[] referred = module.AssemblyReferences.Select(reference => reference.FullName).ToArray();
            if (referred.Length != 1)
            {
                Console.Error.WriteLine("the assembly refers to " + string.Join("; ", referred));
                return 1;
            }
        }
        return 0;
    }

    private static Guid Identity(string path)
    {
        ClearTime(path);
        using (SHA256 digest = SHA256.Create())
        {
            return new Guid(digest.ComputeHash(File.ReadAllBytes(path)).Take(16).ToArray());
        }
    }

    private static void ClearTime(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int header = BitConverter.ToInt32(bytes, 0x3C);
        Array.Clear(bytes, header + 8, 4);
        File.WriteAllBytes(path, bytes);
    }
}
