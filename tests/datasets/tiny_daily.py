"""Data sets of people's daily life and of their devices beside each other, of a few rows, in their authors' layout."""

from __future__ import annotations

import gzip
from pathlib import Path

WEARABLE = (
    "resting_pulse,pulse_average,average_spo2_value,body_temperature_avg,steps_count,distance,steps_speed,"
    "total_number_of_flights_climbed,active_calories_burned,basal_calories_burned,average_headphone_exposure,"
    "average_environment_exposure"
)  # the columns that are read


def _write(path: Path, *lines: str) -> None:
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def write_wearablehrv(folder: Path) -> None:
    """A table of one person, one row of it without metrics; and exports of another with an ECG and two wearables."""
    inside = folder / "wearable-hrv-master" / "data"
    inside.mkdir(parents=True)
    _write(
        inside / "P01.csv",
        "mean_nni,sdnn,pnn_50,rmssd,mean_hr,lf,hf,artefact,nibi_before_cropping,nibi_after_cropping,conditions,device,pp,time",
        "800.0,55.5,28.8,60.25,75.0,677.5,1150.5,1,327,320,sitting,rhythm,P01,14:12:28",
        ",,,,,,,0,3,0,biking,rhythm,P01,14:12:28",
    )
    _write(
        inside / "test_vu.txt",
        "Subject Id: P37",
        "R-peak time\tibi_cumulative\tibi\tinterpolated\tLabelCode1\t",
        "30-06-23/14:08:59.580\t0\t0\tO\t-9999\t",
        "30-06-23/14:09:00.516\t936\t936\tO\t-9999\t",
        "30-06-23/14:09:01.480\t1900\t964\tI\t-9999\t",
        "30-06-23/14:09:02.469\t2889\t989\tO\t-9999\t",
    )
    _write(inside / "test_empatica.csv", "timestamp,rr", "1688126940000,718", "1688126940718,982")
    _write(
        inside / "test_kyto.csv",
        "timestamp, rr, since_start ",
        "",
        "1688126940500,700,7000",
        "1688126943000,1000,8000",
        "1688126943012,900,8900",
    )
    _write(inside / "test_events.csv", "timestamp,conditions,datapoint", "14:09:20,sitting,start", "14:14:20,sitting,end")


def write_welltory(folder: Path) -> None:
    """A person with a watch on three of four days, a check, an answer, blood pressure and a night; one with a check only."""
    inside = folder / "data"
    inside.mkdir(parents=True)
    _write(
        inside / "participants.csv",
        "user_code,gender,age_range,city,country,height,weight,symptoms_onset",
        "013f6d3e5b,f,18-24,Elsewhere,Nowhere,174.0,77.3,5/15/2020",
        "0210b20eea,m,35-44,Elsewhere,Nowhere,,60.0,3/28/1975",
    )
    _write(
        inside / "wearables.csv.gz",
        f"user_code,day,{WEARABLE}",
        "013f6d3e5b,2020-05-12,54.0,85.0,0.96,,4153.0,3060.0,32.5,8.0,104.0,2569.0,,54.5",
        "013f6d3e5b,2020-05-13,,75.0,,36.5,18523.0,12553.0,57.5,,483.0,2569.0,66.5,54.0",
        "013f6d3e5b,2020-05-15,60.0,90.0,,,,,,,,2569.0,,",
    )
    _write(
        inside / "hrv_measurements.csv",
        "user_code,rr_code,measurement_datetime,bpm,sdnn,rmssd,how_feel,how_mood,how_sleep,tags,rr_data",
        '013f6d3e5b,f3de056155,2020-05-15 04:14:21,83,54.8,65.9,-1,-2,,COVID-19; I could do better,"694,832,642"',
        '0210b20eea,b04489e32f,2020-05-19 03:06:02,75,72.2,70.0,0,0,1.0,,"821,817"',
    )
    _write(
        inside / "surveys.csv",
        "user_code,scale,created_at,value,text",
        "013f6d3e5b,S_COVID_OVERALL,2020-05-13,4,Moderate",
        "013f6d3e5b,S_HRA_ALC,2020-05-13,2,User does not drink alcohol",
    )
    _write(
        inside / "blood_pressure.csv",
        "user_code,measurement_datetime,diastolic,systolic",
        "013f6d3e5b,2020-05-13  17:46:12,82,127",
    )
    _write(
        inside / "sleep.csv",
        "user_code,day,sleep_begin,sleep_end,sleep_duration,sleep_awake_duration,sleep_rem_duration,sleep_light_duration,"
        "sleep_deep_duration",
        "013f6d3e5b,2020-05-13,2020-05-13 00:30:00,2020-05-13 08:30:00,27000.0,1800.0,,,",
    )
