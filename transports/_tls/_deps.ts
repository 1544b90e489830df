// Reading of certificates takes 60 ms to load, so only what is loaded when TLS
// is used imports this file.
export { AsnConvert } from "npm:@peculiar/asn1-schema@2.11.1";
export {
  BasicConstraints,
  Certificate as Asn1Certificate,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
} from "npm:@peculiar/asn1-x509@2.11.1";
