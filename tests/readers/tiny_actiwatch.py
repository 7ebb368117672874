"""Tiny files of wrist actigraphs, written by hand."""

from __future__ import annotations

from pathlib import Path

AWD = "P07\r\n01-Oct-2009\r\n17:00\r\n 4 \r\n34\r\nD012345\r\nF\r\n"


def write_awd(folder: Path) -> Path:
    """Six minutes with light; the second is marked."""
    path = folder / "night.AWD"
    path.write_text(AWD + "0 , 0,00\r\n498 , 1,50 M\r\n394 , 2,00\r\n666 , 0,25\r\n262 , 0,00\r\n14 , 0,00\r\n", newline="")
    return path


ABOUT = (
    '"Actiware Export File  (Version 05.00 )"\n"Filename:","x"\n\n"-------- Subject Properties--------"\n\n"Identity:","S01"\n'
    '"Initials:","A.E."\n"Full Name:","Ann Example"\n"Street Address:","1 Road"\n"City:","Here"\n"Phone:","1"\n'
    '"Gender:","Female"\n"Date of Birth:","01/02/1990"\n"Age (export):","30","years"\n"Age (start):","29","years"\n\n'
    '"-------- Actiwatch Data Properties --------"\n\n"Actiwatch Type:","Actiwatch 2"\n"Time Zone Offset:","+01:00","h:m"\n\n'
    '"-------- Epoch-by-Epoch Data --------"\n\n'
)
COLUMNS = '"Line","Date","Time","Off-Wrist Status","Activity","Marker","White Light","Sleep/Wake","Interval Status",\n\n'
EPOCHS = (
    '"1","30/04/2020","23:59:00","0","12","0","3.50","1","ACTIVE",',
    '"2","30/04/2020","23:59:30","0","0","1","0.00","0","REST-S",',
    '"3","01/05/2020","00:00:00","0","0","0","0.00","0","REST-S",',
    '"4","01/05/2020","00:00:30","1","NaN","0","NaN","NaN","EXCLUDED",',
    '"5","01/05/2020","00:01:00","0","7","0","9.25","1","ACTIVE"',
)


def actiware(*epochs: str, about: str = ABOUT, columns: str = COLUMNS) -> str:
    """An export of Actiware with these epochs."""
    return about + columns + "\n".join(epochs) + "\n"


def write_actiware(folder: Path) -> Path:
    """Five epochs of 30 s around midnight; the fourth is off the wrist."""
    path = folder / "export.csv"
    path.write_text(actiware(*EPOCHS), encoding="utf-8-sig")
    return path


MESA = "mesaid,line,linetime,offwrist,activity,marker,whitelight,wake,interval,dayofweek,daybymidnight,daybynoon\n"


def write_mesa(folder: Path) -> Path:
    """Four epochs of 30 s in the columns of MESA, the last off the wrist."""
    path = folder / "mesa-sleep-0001.csv"
    path.write_text(
        MESA + "0001,1,23:59:00,0,8,0,1.5,1,ACTIVE,6,1,1\n0001,2,23:59:30,0,0,0,0,0,REST,6,1,1\n"
        "0001,3,00:00:00,0,2,1,0,0,REST-S,7,2,1\n0001,4,00:00:30,1,,0,,,EXCLUDED,7,2,1\n"
    )
    return path


CONDOR = (
    "+-------------+ Condor Instruments Report +-------------+\nSUBJECT_NAME : S02\nSUBJECT_GENDER : Male\n"
    "SUBJECT_DATE_OF_BIRTH : 01/01/1990\nDEVICE_MODEL : ActTrust1\nINTERVAL : 60\n"
    "+-------------------------------------------------------+\n"
    "DATE/TIME;MS;EVENT;TEMPERATURE;EXT TEMPERATURE;ORIENTATION;PIM;PIMn;TAT;TATn;ZCM;ZCMn;LIGHT;STATE\n"
)


def write_condor(folder: Path) -> Path:
    """Four minutes; the second is marked, the last is off the wrist."""
    path = folder / "report.txt"
    rows = [(0, 29.38, 1851, 0), (1, 29.47, 2683, 0), (0, 29.56, 5260, 0), (0, 24.0, 0, 4)]
    path.write_text(
        CONDOR
        + "".join(
            f"02/01/2020 09:0{k}:00;0;{event};{temp};28.19;0;{pim};{pim / 60:.4f};1;0.1;2;0.2;{384.25 - k};{state}\n"
            for k, (event, temp, pim, state) in enumerate(rows)
        )
    )
    return path
