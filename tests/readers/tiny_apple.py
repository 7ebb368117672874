"""Tiny exports of Apple Health, and the ECG of an Apple Watch, written by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path

WATCH = "&lt;&lt;HKDevice: 0x28&gt;, name:Apple Watch, manufacturer:Apple, model:Watch, hardware:Watch2,4, software:4.3.1&gt;"
PHONE = "&lt;&lt;HKDevice: 0x29&gt;, name:iPhone, manufacturer:Apple, model:iPhone, hardware:iPhone9,3, software:12.1&gt;"


def record(
    kind: str,
    start: str,
    end: str,
    *,
    value: str,
    unit: str = "",
    source: str = "Ann’s Watch",
    device: str = WATCH,
    inner: str = "",
) -> str:
    """One record; a quantity if it has a unit, else a category."""
    family = "Quantity" if unit else "Category"
    written = f' unit="{unit}"' if unit else ""
    known = f' device="{device}"' if device else ""
    return (
        f' <Record type="HK{family}TypeIdentifier{kind}" sourceName="{source}" sourceVersion="4.3"{known}{written}'
        f' creationDate="{end}" startDate="{start}" endDate="{end}" value="{value}"' + (f">{inner}</Record>" if inner else "/>")
    )


def export(*elements: str, head: str = "", me: str = 'DateOfBirth="1990-02-02" ', sex: str = "Female") -> str:
    """An export that holds the elements."""
    prefix = "HKCharacteristicTypeIdentifier"
    person = f'<Me {prefix}{me} {prefix}BiologicalSex="HKBiologicalSex{sex}"/>'
    inside = "\n".join(elements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<HealthData locale="en_US">\n'
        f' <ExportDate value="2020-06-01 09:00:00 +0200"/>\n {person}\n{inside}\n</HealthData>\n'
    )


def at(clock: str, *, day: str = "2020-05-01", offset: str = "+0200") -> str:
    """A date as Apple writes it."""
    return f"{day} {clock} {offset}"


TINY = (
    record("HeartRate", at("08:00:00"), at("08:00:00"), value="61", unit="count/min"),
    record("StepCount", at("08:00:00"), at("08:02:00"), value="120", unit="count"),
    record("StepCount", at("08:05:10"), at("08:05:40"), value="7", unit="count"),
    record("SleepAnalysis", at("01:00:00"), at("02:30:00"), value="HKCategoryValueSleepAnalysisAsleepDeep"),
)


def write_apple_health(folder: Path) -> Path:
    """A heart rate, 127 steps in two intervals and an hour and a half of deep sleep, from one watch."""
    path = folder / "export.xml"
    path.write_text(export(*TINY))
    return path


ECG = (
    'Name,Ann Example\nDate of Birth,"Feb 2, 1990"\nRecorded Date,2020-05-01 08:00:00 +0200\nClassification,Sinus Rhythm\n'
    'Symptoms,\nSoftware Version,1.20\nDevice,"Watch4,2"\nSample Rate,512 hertz\n\n\nLead,Lead I\nUnit,µV\n\n'
)
EKG = (
    "Name,Ann Example\nGeburtsdatum,02.02.1990\nAufzeichnungsdatum,2020-01-01 08:00:00 +0100\nKlassifizierung,Vorhofflimmern\n"
    'Symptome,\nSoftwareversion,"1,90"\nGerät,"Watch6,1"\nAbtastrate,"511,5 Hertz"\n\n\nAbleitung,Ableitung I\nEinheit,µV\n\n'
)


def write_apple_ecg(folder: Path) -> Path:
    """64 samples: a ramp of whole microvolts."""
    path = folder / "ecg_2020-05-01.csv"
    path.write_text(ECG + "".join(f"{5 * k - 100}\n" for k in range(64)))
    return path


def write_apple_health_zip(folder: Path) -> Path:
    """The export alone in its zip."""
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("apple_health_export/export.xml"), export(*TINY))
    return path


def write_apple_zip(folder: Path) -> Path:
    """The export with an ECG as the zip that the phone shares."""
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("apple_health_export/export_cda.xml", "<ClinicalDocument/>"),
            ("apple_health_export/export.xml", export(*TINY)),
            ("apple_health_export/electrocardiograms/ecg_2020-05-01.csv", ECG + "1\n2\n3\n"),
        ):
            archive.writestr(zipfile.ZipInfo(name), text)
    return path
