/** Certificates for the tests of db, which imports nothing of http. */
export { makeCertificate } from "../http/certificate.fixture.ts";
